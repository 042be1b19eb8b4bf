// Package reach finds functions of operators in many places.
package reach

import (
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
)

// Job is a job in a variable.
var Job = func(j *engine.Job) {
	_ = time.Now()                                                                         // want `uses time\.Now in a function that builds a job`
	src := connect.Held(file.Lines("in"), func(int64) bool { return time.Now().IsZero() }) // want `uses time\.Now in the function of Held`
	lines := engine.FromSource(j, "lines", src)
	text := engine.Map(lines, "text", generic[string])
	count := engine.Reduce(engine.KeyBy(text, key{}.of), "count", func(a, b string) string { return pick(a, b) })
	sized := engine.Map(count, "sized", sizer(func(v string) int { return time.Now().Second() })) // want `uses time\.Now in the function of Map "sized"`
	engine.ToSink(sized, "sink", file.Sink("out", func(dst []byte, v int) []byte {
		return append(dst, time.Now().String()...) // want `uses time\.Now in the function of Sink`
	}))
}

type sizer func(v string) int

func generic[T any](v T) T {
	_ = time.Now() // want `uses time\.Now in the function of Map "text"`
	return v
}

type key struct{}

func (key) of(v string) string {
	return v + time.Now().String() // want `uses time\.Now in the function of KeyBy`
}

func pick(a, b string) string {
	if again(a) {
		return pick(b, a)
	}
	return a
}

func again(string) bool { return time.Now().IsZero() } // want `uses time\.Now in the function of Reduce "count", by way of pick, again`

func main() {
	_ = time.Now()
	_, _ = engine.Describe(engine.DefaultConfig(), Job)
	_, _ = engine.Describe(engine.DefaultConfig(), func(j *engine.Job) {
		_ = time.Now() // want `uses time\.Now in a function that builds a job`
	})
}
