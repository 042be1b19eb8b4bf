// Package connector has a codec, a source and a sink of its own.
package connector

import (
	"os"
	"slices"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
)

type tags map[string]bool

type tagCodec struct{}

func (tagCodec) Name() string { return "tags" }

func (tagCodec) Append(dst []byte, v tags) []byte {
	for t := range v { // want `order: ranges over a map and appends to dst in its order in method Append of tagCodec`
		dst = append(dst, t...)
	}
	return dst
}

func (tagCodec) Decode(src []byte) (tags, int, error) { return nil, len(src), nil }

type source struct{}

func (source) Splits(w host.Worker, parallelism int) ([]connect.Split, error) {
	_ = time.Now() // work of the host
	return nil, nil
}

func (source) Reader() connect.Reader[tags] { return &reader{} }

type reader struct {
	next int
	rows []tags
}

func (r *reader) Open([]connect.Split) error { return nil }

// Emit keeps in fields what Snapshot stores, as readers do.
func (r *reader) Emit(limit int, push func(v tags, ts int64) bool) (int, connect.Status) {
	r.next++
	push(tags{}, time.Now().UnixMilli()) // want `clock: uses time\.Now in method Emit of \*reader`
	return 1, connect.Ready
}

func (r *reader) Fetch() host.Work {
	name := os.Getenv("INPUT") // want `outside: uses os\.Getenv in method Fetch of \*reader`
	return func(w host.Worker) (any, error) {
		return os.ReadFile(name) // the outside is what it is for
	}
}

func (r *reader) Fetched(body any, err error) error { return err }
func (r *reader) Snapshot() []connect.Split         { return slices.Repeat([]connect.Split{nil}, r.next) }
func (r *reader) Positions() []connect.Position     { return nil }

func job(j *engine.Job) {
	s := engine.FromSource(j, "tags", source{}, engine.WithCodec(tagCodec{}))
	engine.Map(s, "count", func(t tags) int { return len(t) })
}
