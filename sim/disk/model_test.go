package disk

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weirstream/weir/engine/fs"
	"pgregory.net/rapid"
)

// reference is a naive file system of one node: after each operation it keeps a
// whole copy of a directory, so that a crash is the choice of a copy.
type reference struct {
	dirs  map[string][]map[string]*content // states since the last SyncDir, latest last
	files []*content
}

type content struct {
	versions []string // since the last sync, one a write, latest last
}

func (c *content) now() string { return c.versions[len(c.versions)-1] }

func (r *reference) latest(dir string) map[string]*content {
	return r.dirs[dir][len(r.dirs[dir])-1]
}

func (r *reference) change(dir string, f func(map[string]*content)) {
	state := maps.Clone(r.latest(dir))
	f(state)
	r.dirs[dir] = append(r.dirs[dir], state)
}

// script draws by rapid and remembers what it drew by decision and path.
type script struct {
	t     *rapid.T
	drawn map[string]int
}

func (s *script) Intn(int) int { panic("not asked by name") }

func (s *script) Decide(decision, path string, n int) int {
	x := rapid.IntRange(0, n-1).Draw(s.t, decision)
	s.drawn[decision+" "+path] = x
	return x
}

var (
	dirNames  = rapid.SampledFrom([]string{"d", "e"})
	fileNames = rapid.SampledFrom([]string{"x", "y", "z"})
)

// TestOneNodeAgainstReference compares every visible state with the reference, and
// after a crash the outcome that the draws name (D2, D3, D5).
func TestOneNodeAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chance := &script{t: t}
		d := New(chance)
		r := &reference{dirs: map[string][]map[string]*content{}}
		for _, dir := range []string{"d", "e"} {
			require.NoError(t, d.Node("a").MkdirAll(dir))
			r.dirs[dir] = []map[string]*content{{}}
		}
		require.NoError(t, d.Node("a").SyncDir(""))
		visible := func() map[string]string {
			all := map[string]string{"d": "/", "e": "/"}
			for dir := range r.dirs {
				for name, c := range r.latest(dir) {
					all[dir+"/"+name] = c.now()
				}
			}
			return all
		}
		f := func() fs.FS { return d.Node("a") }
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				dir, name := dirNames.Draw(t, "dir"), fileNames.Draw(t, "name")
				_, err := f().CreateNew(dir + "/" + name)
				if r.latest(dir)[name] != nil {
					require.ErrorIs(t, err, fs.ErrExist)
					return
				}
				require.NoError(t, err)
				c := &content{versions: []string{""}}
				r.files = append(r.files, c)
				r.change(dir, func(m map[string]*content) { m[name] = c })
			},
			"write": func(t *rapid.T) {
				dir, name := dirNames.Draw(t, "dir"), fileNames.Draw(t, "name")
				c := r.latest(dir)[name]
				h, err := f().Append(dir + "/" + name)
				if c == nil {
					require.ErrorIs(t, err, fs.ErrNotExist)
					return
				}
				require.NoError(t, err)
				part := rapid.StringMatching("[a-c]{1,4}").Draw(t, "part")
				_, err = h.Write([]byte(part))
				require.NoError(t, err)
				c.versions = append(c.versions, c.now()+part)
			},
			"sync": func(t *rapid.T) {
				dir, name := dirNames.Draw(t, "dir"), fileNames.Draw(t, "name")
				if c := r.latest(dir)[name]; c != nil {
					h, err := f().Open(dir + "/" + name)
					require.NoError(t, err)
					require.NoError(t, h.Sync())
					c.versions = []string{c.now()}
				}
			},
			"rename": func(t *rapid.T) {
				dir, from, to := dirNames.Draw(t, "dir"), fileNames.Draw(t, "from"), fileNames.Draw(t, "to")
				c := r.latest(dir)[from]
				err := f().Rename(dir+"/"+from, dir+"/"+to)
				if c == nil {
					require.ErrorIs(t, err, fs.ErrNotExist)
					return
				}
				require.NoError(t, err)
				if from != to {
					r.change(dir, func(m map[string]*content) { delete(m, from); m[to] = c })
				}
			},
			"remove": func(t *rapid.T) {
				dir, name := dirNames.Draw(t, "dir"), fileNames.Draw(t, "name")
				err := f().Remove(dir + "/" + name)
				if r.latest(dir)[name] == nil {
					require.ErrorIs(t, err, fs.ErrNotExist)
					return
				}
				require.NoError(t, err)
				r.change(dir, func(m map[string]*content) { delete(m, name) })
			},
			"syncdir": func(t *rapid.T) {
				dir := dirNames.Draw(t, "dir")
				require.NoError(t, f().SyncDir(dir))
				r.dirs[dir] = []map[string]*content{r.latest(dir)}
			},
			"process crash": func(*rapid.T) { d.ProcessCrash("a") },
			"machine crash": func(t *rapid.T) {
				chance.drawn = map[string]int{}
				d.MachineCrash("a")
				r.crash(t, chance.drawn)
			},
			"": func(t *rapid.T) {
				require.Equal(t, visible(), tree(t, d.Node("b")))
				durable := map[string]string{"d": "/", "e": "/"}
				for dir, states := range r.dirs {
					for name, c := range states[0] {
						durable[dir+"/"+name] = c.versions[0]
					}
				}
				require.Equal(t, durable, tree(t, d.Durable()))
			},
		})
	})
}

// crash picks the states that the draws name.
func (r *reference) crash(t *rapid.T, drawn map[string]int) {
	for _, dir := range slices.Sorted(maps.Keys(r.dirs)) {
		states := r.dirs[dir]
		keep := len(states) - 1 - drawn[LostEntries+" "+dir]
		r.dirs[dir] = states[keep : keep+1]
		for name, c := range r.latest(dir) {
			p := dir + "/" + name
			last := len(c.versions) - 1 - drawn[LostWrites+" "+p]
			left := c.versions[last]
			if last < len(c.versions)-1 {
				left = c.versions[last+1][:len(left)+drawn[TornWrite+" "+p]]
			}
			require.LessOrEqual(t, len(c.versions[0]), len(left))
			c.versions = []string{left}
		}
	}
}

// several draws any operation by one of three nodes and ignores refused ones.
func several(t *rapid.T, d *Disk) {
	node := rapid.SampledFrom([]string{"a", "b", "c"})
	names := rapid.SampledFrom([]string{"x", "y", "d", "d/x", "d/y", "e", "e/x", "e/d", "d/e", "d/e/x", "e/d/x"})
	for range rapid.IntRange(1, 30).Draw(t, "operations") {
		f, p := d.Node(node.Draw(t, "node")), names.Draw(t, "path")
		switch rapid.IntRange(0, 8).Draw(t, "operation") {
		case 0:
			_ = f.MkdirAll(p)
		case 1:
			_, _ = f.CreateNew(p)
		case 2:
			if h, err := f.Create(p); err == nil {
				_, _ = h.Write([]byte("cc"))
			}
		case 3, 4:
			if h, err := f.Append(p); err == nil {
				_, _ = h.Write([]byte("aa"))
			}
		case 5:
			_ = f.Rename(p, names.Draw(t, "target"))
		case 6:
			_ = f.Remove(p)
		case 7:
			_ = f.SyncDir(p)
		case 8:
			if h, err := f.Open(p); err == nil {
				_ = h.Sync()
			}
		}
	}
}

// sound checks what holds in every state: directories have one place, and the
// pending changes of a name form a chain that ends at what is visible.
func sound(t *rapid.T, d *Disk) {
	places := map[*inode]string{}
	var enter func(n *inode, path string)
	enter = func(n *inode, path string) {
		require.Empty(t, places[n], "a directory in two places")
		places[n] = path + "/"
		for i, e := range n.entries {
			require.True(t, i == 0 || n.entries[i-1].name < e.name)
			require.NotNil(t, e.node)
			if e.node.dir {
				enter(e.node, join(path, e.name))
			}
		}
		last := map[string]*inode{}
		for _, c := range n.pending {
			if c.done {
				continue // forgotten at the directory's next sync or crash
			}
			if at, ok := last[c.name]; ok {
				require.Same(t, at, c.old, "chain of %s in %q", c.name, path)
			}
			last[c.name] = c.new
		}
		for name, node := range last {
			require.True(t, node == n.get(name), "end of the chain of %s in %q", name, path)
		}
	}
	enter(d.root, "")
}

// TestDurableIsTheWorstCrashOfAll: what Durable shows is what is left when all
// machines go at once with the worst draws.
func TestDurableIsTheWorstCrashOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := New(worst{})
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			several(t, d)
			sound(t, d)
			want := tree(t, d.Durable())
			d.MachineCrash("a", "b", "c")
			sound(t, d)
			require.Equal(t, want, tree(t, d.Node("a")))
			require.Equal(t, want, tree(t, d.Durable()))
		}
	})
}

// TestAnyCrashesStaySound crashes machines one by one with any draws: the tree
// stays a tree, the crashed leave nothing pending, all being gone, visible and
// durable agree, and the same draws give the same disk (D7).
func TestAnyCrashesStaySound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := &recorder{next: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "chance") }}
		d := New(first)
		several(t, d)
		order := rapid.Permutation([]string{"a", "b", "c"}).Draw(t, "order")
		for _, node := range order {
			d.MachineCrash(node)
			sound(t, d)
		}
		require.Equal(t, tree(t, d.Durable()), tree(t, d.Node("a")))
		v, w := d.Versions()
		d.MachineCrash(order...)
		v2, w2 := d.Versions()
		require.Equal(t, []uint64{v, w}, []uint64{v2, w2}, "nothing is left to lose")
	})
}

// TestRenamedFilesNeverVanish: files that are only ever renamed, to free names, by
// anyone, between directories that are removed when empty, and through any crashes,
// are always somewhere, visibly and durably (D4).
func TestRenamedFilesNeverVanish(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := New(&recorder{next: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "chance") }})
		for i, p := range []string{"d/0", "d/1", "e/2", "g/3"} {
			require.NoError(t, d.Import(p, []byte{byte('0' + i)}))
		}
		node := rapid.SampledFrom([]string{"a", "b"})
		dir := rapid.SampledFrom([]string{"d", "e", "g"})
		name := rapid.SampledFrom([]string{"0", "1", "2", "3"})
		t.Repeat(map[string]func(*rapid.T){
			"rename": func(t *rapid.T) {
				f, to := d.Node(node.Draw(t, "node")), dir.Draw(t, "to")+"/"+name.Draw(t, "new")
				if _, err := f.Stat(to); err == nil {
					t.Skip("not free")
				}
				_ = f.Rename(dir.Draw(t, "from")+"/"+name.Draw(t, "old"), to)
			},
			"syncdir":    func(t *rapid.T) { require.NoError(t, d.Node("c").SyncDir(dir.Draw(t, "dir"))) },
			"crash":      func(t *rapid.T) { d.MachineCrash(node.Draw(t, "node")) },
			"crash both": func(t *rapid.T) { d.MachineCrash("a", "b") },
			"": func(t *rapid.T) {
				sound(t, d)
				for _, f := range []fs.FS{d.Durable(), d.Node("c")} {
					held := map[string]bool{}
					for _, text := range tree(t, f) {
						held[text] = true
					}
					delete(held, "/")
					require.Len(t, held, 4)
				}
			},
		})
	})
}

type recorder struct{ next func(n int) int }

func (r *recorder) Intn(n int) int { return r.next(n) }

func TestSameDrawsSameDisk(t *testing.T) {
	run := func() (string, uint64) {
		seed := uint64(12345)
		log := ""
		d := New(&recorder{next: func(n int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			x := int(seed>>33) % n
			log += fmt.Sprintf("%d/%d ", x, n)
			return x
		}})
		for i := range 200 {
			f := d.Node(fmt.Sprint("n", i%3))
			dir := fmt.Sprint("d", i%7)
			require.NoError(t, f.MkdirAll(dir))
			fill(t, f, fmt.Sprint(dir, "/", i%11), "abc", "defg")
			_ = f.Rename(fmt.Sprint(dir, "/", i%11), fmt.Sprint("d", i%5, "/", i%13))
			if i%17 == 0 {
				require.NoError(t, f.SyncDir(dir))
			}
			if i%31 == 30 {
				d.MachineCrash(fmt.Sprint("n", i%3))
			}
		}
		return log, d.Digest()
	}
	log, digest := run()
	require.NotEmpty(t, log)
	again, same := run()
	require.Equal(t, log, again)
	require.Equal(t, digest, same)
}

func BenchmarkWrite(b *testing.B) {
	d := New(mild{})
	h := fill(b, d.Node("a"), "x")
	p := make([]byte, 64)
	b.ReportAllocs()
	for i := range b.N {
		_, _ = h.Write(p)
		if i%1024 == 1023 {
			_ = h.Sync()
			h = fill(b, d.Node("a"), "x")
		}
	}
}

func BenchmarkReplaceFile(b *testing.B) {
	d := New(mild{})
	require.NoError(b, d.Import("d/file", nil))
	f := d.Node("a")
	b.ReportAllocs()
	for b.Loop() {
		_ = replaceFile(f, "")
	}
}
