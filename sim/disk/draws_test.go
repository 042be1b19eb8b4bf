package disk

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weirstream/weir/engine/fs"
)

// worst loses all that may be lost.
type worst struct{}

func (worst) Intn(n int) int { return n - 1 }

func (worst) Decide(decision, _ string, n int) int {
	if decision == TornWrite {
		return 0
	}
	return n - 1
}

// mild loses nothing.
type mild struct{}

func (mild) Intn(int) int { return 0 }

// every runs through all combinations of draws, the last one fastest.
type every struct {
	at     int
	drawn  []int
	limits []int
}

func (e *every) Intn(n int) int {
	if e.at == len(e.drawn) {
		e.drawn, e.limits = append(e.drawn, 0), append(e.limits, n)
	}
	e.at++
	return e.drawn[e.at-1]
}

// next goes on to the next combination; false when all were had.
func (e *every) next() bool {
	e.at = 0
	for i := len(e.drawn) - 1; i >= 0; i-- {
		if e.drawn[i]++; e.drawn[i] < e.limits[i] {
			return true
		}
		e.drawn, e.limits = e.drawn[:i], e.limits[:i]
	}
	return false
}

// fill creates a file and writes to it, one write a part.
func fill(t require.TestingT, f fs.FS, name string, parts ...string) fs.File {
	h, err := f.Create(name)
	require.NoError(t, err)
	for _, p := range parts {
		n, err := h.Write([]byte(p))
		require.NoError(t, err)
		require.Equal(t, len(p), n)
	}
	return h
}

func read(t require.TestingT, f fs.FS, name string) string {
	h, err := f.Open(name)
	require.NoError(t, err)
	size, err := h.Size()
	require.NoError(t, err)
	data := make([]byte, size)
	if size > 0 {
		_, err = h.ReadAt(data, 0)
		require.NoError(t, err)
	}
	n, err := h.ReadAt(make([]byte, 1), size)
	require.Equal(t, 0, n)
	require.Equal(t, io.EOF, err)
	require.NoError(t, h.Close())
	return string(data)
}

// tree returns every path of a file system with its contents, directories with "/".
func tree(t require.TestingT, f fs.FS) map[string]string {
	all := map[string]string{}
	var enter func(dir string)
	enter = func(dir string) {
		list, err := f.List(dir)
		require.NoError(t, err)
		for i, e := range list {
			require.True(t, i == 0 || list[i-1].Name < e.Name, "sorted")
			p := join(dir, e.Name)
			st, err := f.Stat(p)
			require.NoError(t, err)
			require.Equal(t, e, st)
			if e.Dir {
				all[p] = "/"
				enter(p)
			} else {
				all[p] = read(t, f, p)
				require.Len(t, all[p], int(e.Size))
			}
		}
	}
	enter("")
	return all
}

func TestEveryRunsThroughAllDraws(t *testing.T) {
	var got [][]int
	e := &every{}
	for more := true; more; more = e.next() {
		a := e.Intn(2)
		row := []int{a}
		if a == 1 {
			row = append(row, e.Intn(3))
		}
		got = append(got, row)
	}
	require.Equal(t, [][]int{{0}, {1, 0}, {1, 1}, {1, 2}}, got)
}
