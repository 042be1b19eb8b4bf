package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
)

func TestWithSlow(t *testing.T) {
	crash := faults.Fault{Name: "f1", Kind: faults.ProcessCrash, Target: "jm"}
	slow := faults.Fault{Name: "f2", Kind: faults.SlowLink, Target: "a->b", Percent: 200}
	never := func(string, int) int { panic("a draw") }
	full := faults.Plan{crash, slow}
	require.Equal(t, full, faults.WithSlow(never, faults.Shape{}, full))

	shape := faults.Shape{Workers: []string{"a", "b"}, Operators: []string{"map"}}
	for i, want := range []string{
		"f2  from the start  slow a->b  by=400%", "f2  from the start  slow b->a  by=800%", "f2  from the start  slow map  by=1600%",
	} {
		p := faults.WithSlow(func(string, int) int { return i }, shape, faults.Plan{crash})
		require.Equal(t, crash, p[0])
		require.Equal(t, want, p[1].String())
	}
}
