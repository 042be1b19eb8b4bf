package scenarios

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weirstream/weir/engine/graph"
)

// inputs are what runs of one process read and what they must output. Each file is
// read once, and each reference output computed once: the runs of a sweep share them.
// It is safe for concurrent use, and what it gives out must not be changed.
type inputs struct {
	mu    sync.Mutex
	files map[string]*input
	// baselines are of CrashEverywhere, by the command of the base's first run.
	baselines map[string]*baseline
}

// input is one file, or its first lines.
type input struct {
	path string
	data []byte

	mu         sync.Mutex
	references map[string]*expected
}

// read gives the first lines of a scenario's input, of all of it if lines is 0; an
// empty path stands for the scenario's own.
func (is *inputs) read(s *Scenario, path string, lines int) (*input, error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	whole, key := s.Name+"\n"+path, fmt.Sprintf("%s\n%s\n%d", s.Name, path, lines)
	if in := is.files[key]; lines > 0 && in != nil {
		return in, nil
	}
	in := is.files[whole]
	if in == nil {
		path, data, err := s.readInput(path)
		if err != nil {
			return nil, err
		}
		in = &input{path: path, data: data, references: map[string]*expected{}}
		if is.files == nil {
			is.files = map[string]*input{}
		}
		is.files[whole] = in
	}
	if lines > 0 {
		in = &input{path: in.path, data: firstLines(in.data, lines), references: map[string]*expected{}}
		is.files[key] = in
	}
	return in, nil
}

// firstLines is the first n lines of a text.
func firstLines(data []byte, n int) []byte {
	end := 0
	for range n {
		i := bytes.IndexByte(data[end:], '\n')
		if i < 0 {
			return data
		}
		end += i + 1
	}
	return data[:end:end]
}

// reference is the output that a scenario's job must have for the input. What it
// depends on beside the input is the job's shape.
func (in *input) reference(s *Scenario, g *graph.Graph) (*expected, error) {
	var shape strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&shape, "%s %d\n", n.UID, n.Parallelism)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	x := in.references[shape.String()]
	if x == nil {
		var err error
		if x, err = s.reference(g, in.data); err != nil {
			x = &expected{err: err}
		}
		x.lines, x.keyed = slices.Clip(x.lines), slices.Clip(x.keyed) // who appends gets a copy
		in.references[shape.String()] = x
	}
	return x, x.err
}

// baseline is what is known of a base; runs of one process share it.
type baseline struct {
	once    sync.Once
	changes int
	err     error
}

func (is *inputs) baseline(of string) *baseline {
	is.mu.Lock()
	defer is.mu.Unlock()
	b := is.baselines[of]
	if b == nil {
		if is.baselines == nil {
			is.baselines = map[string]*baseline{}
		}
		b = &baseline{}
		is.baselines[of] = b
	}
	return b
}

// count counts the base's changes, the first time.
func (b *baseline) count(changes func() (int, error)) (int, error) {
	b.once.Do(func() { b.changes, b.err = changes() })
	return b.changes, b.err
}
