package live

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
)

// pool runs offloaded work, each piece on a goroutine of its own, at most limit
// at a time, first come first served.
type pool struct {
	limit int

	mu      sync.Mutex
	running int
	ready   []job // wait for a place
}

type job struct {
	p     *proc
	token host.Token
	lane  *lane // nil: none
	work  host.Work
}

// lane is the work of one actor that runs one after the other; it exists while
// one of its jobs runs or is ready.
type lane struct {
	name    string
	waiting []job
}

func (w *World) offload(p *proc, token host.Token, name string, work host.Work) {
	j := job{p: p, token: token, work: work}
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if name != "" {
		if l := p.lanes[name]; l != nil {
			j.lane = l
			l.waiting = append(l.waiting, j)
			return
		}
		if p.lanes == nil {
			p.lanes = map[string]*lane{}
		}
		j.lane = &lane{name: name}
		p.lanes[name] = j.lane
	}
	w.pool.ready = append(w.pool.ready, j)
	w.startReady()
}

// startReady starts what there is room for. Called with pool.mu held, and by a
// goroutine that is counted in running itself.
func (w *World) startReady() {
	for len(w.pool.ready) > 0 && w.pool.running < w.pool.limit {
		j := w.pool.ready[0]
		w.pool.ready[0] = job{}
		w.pool.ready = w.pool.ready[1:]
		w.pool.running++
		w.running.Add(1)
		go w.runJob(j)
	}
}

// finishJob makes room, and the next job of the lane ready.
func (w *World) finishJob(j job) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.running--
	if l := j.lane; l != nil {
		if len(l.waiting) > 0 {
			w.pool.ready = append(w.pool.ready, l.waiting[0])
			l.waiting[0] = job{}
			l.waiting = l.waiting[1:]
		} else {
			delete(j.p.lanes, l.name)
		}
	}
	w.startReady()
}

func (w *World) runJob(j job) {
	defer w.running.Done()
	defer w.finishJob(j)
	if j.p.ended.Load() { // L5
		return
	}
	done := control{kind: host.Done, token: j.token}
	returned := false
	defer func() {
		if !returned {
			v := recover()
			if v == nil {
				v = "the goroutine was ended by runtime.Goexit"
			}
			done.err = &host.PanicError{Value: v, Stack: string(debug.Stack())}
		}
		j.p.box.putControl(done)
	}()
	done.body, done.err = j.work(worker{j.p.gate})
	returned = true
}

type worker struct{ gate *gate }

func (w worker) FS() fs.FS { return w.gate }

// Yield puts the goroutine behind all that are ready: without it work keeps a processor
// for the ten milliseconds after which the runtime takes it away.
func (w worker) Yield() { runtime.Gosched() }
