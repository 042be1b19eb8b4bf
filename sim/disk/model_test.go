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
	d    *Disk
	dirs map[string][]map[string]*content // states since the last SyncDir, latest last
}

type content struct {
	versions []string // since the last sync, one a write, latest last
}

func (r *reference) node() fs.FS { return r.d.Node("a") }

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

// TestOneNodeAgainstReference compares every visible and durable state with the
// reference, and after a crash the outcome that the draws name (D2, D3, D5).
func TestOneNodeAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chance := &script{t: t}
		d := New(chance)
		r := &reference{d: d, dirs: map[string][]map[string]*content{}}
		for _, dir := range []string{"d", "e"} {
			require.NoError(t, d.Node("a").MkdirAll(dir))
			r.dirs[dir] = []map[string]*content{{}}
		}
		require.NoError(t, d.Node("a").SyncDir(""))
		t.Repeat(map[string]func(*rapid.T){
			"create": r.create, "write": r.write, "sync": r.sync, "rename": r.rename, "remove": r.remove,
			"syncdir": func(t *rapid.T) {
				dir := dirNames.Draw(t, "dir")
				require.NoError(t, r.node().SyncDir(dir))
				r.dirs[dir] = []map[string]*content{r.latest(dir)}
			},
			"process crash": func(*rapid.T) { d.ProcessCrash("a") },
			"machine crash": func(t *rapid.T) {
				chance.drawn = map[string]int{}
				d.MachineCrash("a")
				r.crash(t, chance.drawn)
			},
			"": r.compare,
		})
	})
}

// somewhere draws a path, and returns what the reference has there.
func (r *reference) somewhere(t *rapid.T) (dir, name, path string, c *content) {
	dir, name = dirNames.Draw(t, "dir"), fileNames.Draw(t, "name")
	return dir, name, dir + "/" + name, r.latest(dir)[name]
}

func (r *reference) create(t *rapid.T) {
	dir, name, path, there := r.somewhere(t)
	_, err := r.node().CreateNew(path)
	if there != nil {
		require.ErrorIs(t, err, fs.ErrExist)
		return
	}
	require.NoError(t, err)
	r.change(dir, func(m map[string]*content) { m[name] = &content{versions: []string{""}} })
}

func (r *reference) write(t *rapid.T) {
	_, _, path, c := r.somewhere(t)
	h, err := r.node().Append(path)
	if c == nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return
	}
	require.NoError(t, err)
	part := rapid.StringMatching("[a-c]{1,4}").Draw(t, "part")
	_, err = h.Write([]byte(part))
	require.NoError(t, err)
	c.versions = append(c.versions, c.now()+part)
}

func (r *reference) sync(t *rapid.T) {
	if _, _, path, c := r.somewhere(t); c != nil {
		h, err := r.node().Open(path)
		require.NoError(t, err)
		require.NoError(t, h.Sync())
		c.versions = []string{c.now()}
	}
}

func (r *reference) rename(t *rapid.T) {
	dir, from, path, c := r.somewhere(t)
	to := fileNames.Draw(t, "to")
	err := r.node().Rename(path, dir+"/"+to)
	if c == nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return
	}
	require.NoError(t, err)
	if from != to {
		r.change(dir, func(m map[string]*content) { delete(m, from); m[to] = c })
	}
}

func (r *reference) remove(t *rapid.T) {
	dir, name, path, c := r.somewhere(t)
	err := r.node().Remove(path)
	if c == nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return
	}
	require.NoError(t, err)
	r.change(dir, func(m map[string]*content) { delete(m, name) })
}

func (r *reference) compare(t *rapid.T) {
	visible := map[string]string{"d": "/", "e": "/"}
	durable := maps.Clone(visible)
	for dir, states := range r.dirs {
		for name, c := range r.latest(dir) {
			visible[dir+"/"+name] = c.now()
		}
		for name, c := range states[0] {
			durable[dir+"/"+name] = c.versions[0]
		}
	}
	require.Equal(t, visible, tree(t, r.d.Node("b")))
	require.Equal(t, durable, tree(t, r.d.Durable()))
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
