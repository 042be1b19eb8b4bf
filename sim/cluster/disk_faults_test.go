package cluster

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/disk"
)

// trusting is a naive store: process "jm" writes a number a file, each millisecond one,
// and believes what it sees. What it holds for written it can read back, it thinks.
type trusting struct {
	written map[string]bool
	read    map[string]string
	took    time.Duration
	failed  int
}

const text = "twenty bytes of text"

// store writes a file without asking whether that worked, as long as the name is there.
func (s *trusting) store(w host.Worker, name string) {
	f, err := w.FS().Create("d/" + name)
	if err != nil {
		s.failed++
		return
	}
	_, _ = f.Write([]byte(text))
	_ = f.Sync()
	_ = f.Close()
	_ = w.FS().SyncDir("d")
	s.written[name] = true
}

// load reads a file and takes what comes.
func (s *trusting) load(w host.Worker, name string) {
	f, err := w.FS().Open("d/" + name)
	if err != nil {
		return
	}
	p := make([]byte, len(text))
	n, _ := f.ReadAt(p, 0)
	s.read[name] = string(p[:n])
	_ = f.Close()
}

// trusted runs the store under a plan of one fault, and says what it wrote and read, and
// what is left on the disk after a crash of the machine; hits says that the fault must
// have hit something.
func trusted(t *testing.T, seed uint64, plan string, hits bool) (*trusting, map[string]string) {
	t.Helper()
	c := &Cluster{Graph: &graph.Graph{}, o: JobOptions{Config: &engine.Config{}}, Fired: map[faults.Kind]int{}, Unremoved: map[string]uint64{}}
	var err error
	c.o.Plan, err = faults.Parse(plan)
	require.NoError(t, err)
	c.World = New(seed, Options{
		IO: Range{ms, ms}, FS: func(node string, _ int) fs.FS { return c.Disk.Node(node) },
		BeforeCall: func(_ string, op Op, name string) {
			c.onCall(op, name)
			c.offer()
		},
	})
	c.Disk = disk.New(&chance{c: c})
	c.injectors()
	require.NoError(t, c.Disk.Node("jm").MkdirAll("d"))
	require.NoError(t, c.Disk.Node("jm").SyncDir("."))
	s := &trusting{written: map[string]bool{}, read: map[string]string{}}
	c.World.one("tm1", "other", func(host.Now, *host.Input, *host.Outbox) {})
	c.World.one("jm", "store", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind != host.Start {
			return
		}
		out.Offload(1, "", func(w host.Worker) (any, error) {
			for _, name := range names {
				s.store(w, name)
			}
			for _, name := range names {
				s.load(w, name)
			}
			s.took = c.World.Now()
			return nil, nil
		})
	})
	c.ready(c.o.Plan[0])
	done(t, c.World)
	if hits {
		require.Empty(t, c.Unfired(), plan)
		require.Equal(t, 1, c.Fired[c.o.Plan[0].Kind], plan)
	}
	c.Disk.MachineCrash("jm")
	left := map[string]string{}
	for _, name := range names {
		f, err := c.Disk.Durable().Open("d/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		p := make([]byte, 100)
		n, _ := f.ReadAt(p, 0)
		left[name] = string(p[:n])
	}
	return s, left
}

var names = []string{"1", "2", "3", "4", "5"}

// intact is the store's world when nothing is wrong.
func (s *trusting) intact(left map[string]string) bool {
	for _, name := range names {
		if !s.written[name] || s.read[name] != text || left[name] != text {
			return false
		}
	}
	return s.failed == 0 && s.took < 80*ms
}

// TestTrustingStore: a fault of each kind that plans have for the disk breaks the store,
// alone and in its own way; one that is about another node does not, nor one that is over.
func TestTrustingStore(t *testing.T) {
	for _, plan := range []string{
		"f1 from the start slow-disk tm1 by=1000% for=1s", "f1 at 1h slow-disk all by=1000% for=1s", "f1 from 0s to 1ns no-space all",
	} {
		s, left := trusted(t, 1, plan, false)
		require.True(t, s.intact(left), "%s: %+v %v", plan, s, left)
	}
	for plan, wrong := range map[string]func(s *trusting, left map[string]string) bool{ // unordered: each by itself
		"f1 on call write of d/2#1 io-error jm call=write": func(s *trusting, left map[string]string) bool {
			return s.written["2"] && left["2"] == "" && left["3"] == text
		},
		"f1 on call create of d/2#1 io-error all call=create applied": func(s *trusting, left map[string]string) bool {
			_, there := left["2"]
			return !s.written["2"] && there && s.failed == 1
		},
		"f1 from the start io-error jm call=create file=d/? for=1h with 50%": func(s *trusting, _ map[string]string) bool {
			return s.failed > 0 && s.failed < 5
		},
		"f1 on call write of d/2#1 no-space all room=7 for=1h": func(s *trusting, left map[string]string) bool {
			return s.written["2"] && left["2"] == text[:7] && s.failed == 3
		},
		"f1 from the start short-read jm file=d/3": func(s *trusting, left map[string]string) bool {
			got := s.read["3"]
			return len(got) < len(text) && strings.HasPrefix(text, got) && left["3"] == text && s.read["4"] == text
		},
		"f1 on call sync of d/2#1 sync-error jm times=1": func(s *trusting, left map[string]string) bool {
			return s.written["2"] && s.read["2"] == text && left["2"] != text && left["3"] == text
		},
		"f1 at 1ms slow-disk jm by=1000% for=1s":              func(s *trusting, _ map[string]string) bool { return s.took > 300*ms },
		"f1 at 1ms slow-disk jm call=sync stall=50ms times=2": func(s *trusting, _ map[string]string) bool { return s.took > 100*ms && s.took < 200*ms },
		"f1 on call read of d/*#2 read-flip all": func(s *trusting, left map[string]string) bool {
			return len(s.read["2"]) == len(text) && s.read["2"] != text && left["2"] == text
		},
		"f1 on call read of d/*#2 io-error all times=2 call=read": func(s *trusting, _ map[string]string) bool {
			return s.read["2"]+s.read["3"] == "" && s.read["4"] == text
		},
	} {
		broken := false
		for seed := range uint64(10) {
			s, left := trusted(t, seed, plan, !strings.Contains(plan, " with "))
			broken = broken || !s.intact(left) && wrong(s, left)
		}
		require.True(t, broken, plan)
	}
}
