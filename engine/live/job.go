package live

import (
	"fmt"
	"sync"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/task"
)

// JobOptions say how to run a job in this process.
type JobOptions struct {
	Config *engine.Config
	Job    func(*engine.Job)
	// FS holds checkpoints and connector files; see [OpenFS]. A job started on
	// one that has completed checkpoints of it goes on from the latest.
	FS fs.FS
	// Workers is the number of TaskExecutors, at least 1; 0 stands for 1.
	Workers int
	// Listener must be safe for concurrent use; nil for none.
	Listener host.Listener
	// Seed of the random streams; 0 draws one from the system.
	Seed uint64
}

// RunJob runs a job until it finishes, and returns nil, or fails for good. A job
// or configuration that is not valid is refused before anything is written. If the
// process dies, RunJob on the same FS goes on from the last completed checkpoint.
func RunJob(o JobOptions) error {
	if err := o.Config.Validate(); err != nil {
		return err
	}
	g, err := engine.Describe(o.Config, o.Job)
	if err != nil {
		return err
	}
	workers := max(1, o.Workers)
	if need, have := g.Plan(o.Config.Chaining).MaxParallelism(), workers*o.Config.Slots; have < need {
		return fmt.Errorf("the job needs %d slots, its largest parallelism; %d workers with taskmanager.numberOfTaskSlots=%d have %d", need, workers, o.Config.Slots, have)
	}
	end := &ending{next: o.Listener, over: make(chan error, 1)}
	w := New(Options{FS: o.FS, Listener: end, Seed: o.Seed})
	defer w.Close()
	jm := engine.JobManagerAddress()
	w.Spawn(jm.Node, jm.Name, o.Config.JobManager(g))
	for i := range workers {
		a := task.ExecutorAddress(fmt.Sprintf("tm%d", i+1))
		w.Spawn(a.Node, a.Name, o.Config.TaskExecutor(o.Job))
	}
	return <-end.over
}

// JobError is the error of a job that failed for good.
type JobError struct {
	Cause host.Cause
	Text  string
}

func (e *JobError) Error() string { return "the job failed: " + e.Text }

// ending listens for the end of the job.
type ending struct {
	next host.Listener
	once sync.Once
	over chan error
}

// On implements host.Listener.
func (e *ending) On(ev *host.Event) {
	if e.next != nil {
		e.next.On(ev)
	}
	switch ev.Kind {
	case host.JobFinished:
		e.once.Do(func() { e.over <- nil })
	case host.JobFailed:
		err := &JobError{ev.Cause, ev.Text}
		e.once.Do(func() { e.over <- err })
	}
}
