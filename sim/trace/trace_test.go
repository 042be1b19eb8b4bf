package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func nameOf(id uint32) string { return fmt.Sprintf("name-%d", id) }

var someHeader = Header{
	Format: Version, Scenario: "crash-while-sealing", Seed: 0x5eed, Mode: "aligned", Strategy: "uniform",
	Settings: map[string]string{"parallelism.default": "3", "execution.checkpointing.interval": "2s"},
	Input:    &Input{Name: "clicks.csv", Size: 412, XXHash64: "9c1f03e7a2b4d5c6"},
	Module:   "(devel)", Commit: "4f2c1e9", Go: "go1.26.8",
	Extra: map[string]string{"plan": "f1  on seal#3  crash jm"},
}

// encode writes a trace to memory.
func encode(t require.TestingT, h Header, records []Record, verdict string) []byte {
	var out bytes.Buffer
	w := newWriter(&out, nameOf)
	w.begin(h)
	for i := range records {
		w.Append(&records[i])
	}
	w.finish(verdict)
	require.NoError(t, w.err)
	return out.Bytes()
}

func records(t *Trace) ([]Record, error) {
	var all []Record
	err := t.Each(func(r Record) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

func someRecords(n int) []Record {
	all := make([]Record, n)
	for i := range all {
		x := uint64(i)
		all[i] = Record{
			Number: x + 1, Cause: x - x%3, Time: int64(i) * 1500, Kind: uint32(x % 5), Where: 5 + uint32(x%3), Actor: 9 + uint32(x%4),
			Peer: uint32(x%7) * 2, A: x % 4 * 100, B: x % 2, C: x % 11 / 10 * x, Digest: x % 3 * xxhash.Sum64String(fmt.Sprint(x)), Hash: xxhash.Sum64String(fmt.Sprint("h", x)),
		}
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	wide := rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(0, 200), rapid.Uint64())
	id := rapid.OneOf(rapid.Uint32Range(0, 20), rapid.Uint32Range(0, 1<<16))
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Number: wide.Draw(t, "number"), Cause: wide.Draw(t, "cause"), Time: rapid.Int64().Draw(t, "time"),
			Kind: id.Draw(t, "kind"), Where: id.Draw(t, "where"), Actor: id.Draw(t, "actor"), Peer: id.Draw(t, "peer"),
			A: wide.Draw(t, "a"), B: wide.Draw(t, "b"), C: wide.Draw(t, "c"),
			Digest: wide.Draw(t, "digest"), Hash: wide.Draw(t, "hash"),
		}
	})
	texts := rapid.MapOfN(rapid.String(), rapid.String(), 1, 3)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		h := Header{
			Format: Version, Scenario: rapid.String().Draw(t, "scenario"), Seed: rapid.Uint64().Draw(t, "seed"),
			Settings: texts.Draw(t, "settings"), Extra: texts.Draw(t, "extra"),
		}
		want := rapid.SliceOfN(record, 1, 30).Draw(t, "records")
		verdict := rapid.String().Draw(t, "verdict")
		path := filepath.Join(dir, "x.trace")
		w, err := Create(path, h, nameOf)
		require.NoError(t, err)
		for i := range want {
			w.Append(&want[i])
		}
		require.NoError(t, w.Close(verdict))
		tr, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, h, tr.Header)
		require.Equal(t, uint64(len(want)), tr.Count)
		require.Equal(t, want[len(want)-1].Hash, tr.Hash)
		require.Equal(t, verdict, tr.Verdict)
		got, err := records(tr)
		require.NoError(t, err)
		require.Equal(t, want, got)
		for _, r := range want {
			for _, id := range []uint32{r.Kind, r.Where, r.Actor, r.Peer} {
				require.Equal(t, nameOf(id), tr.Name(id))
			}
		}
	})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary files stay")
}

func TestManyBlocks(t *testing.T) {
	for _, n := range []int{0, 1, blockRecords - 1, blockRecords, blockRecords + 1, 3*blockRecords + 7} {
		want := someRecords(n)
		data := encode(t, someHeader, want, "pass")
		require.Equal(t, data, encode(t, someHeader, want, "pass"), "the same run gives the same bytes")
		tr, err := load("x", data)
		require.NoError(t, err)
		require.Equal(t, someHeader, tr.Header)
		got, err := records(tr)
		require.NoError(t, err)
		require.Len(t, got, n)
		if n > 0 {
			require.Equal(t, want, got)
		}
	}
	stop := errors.New("stop")
	tr, err := load("x", encode(t, someHeader, someRecords(3), ""))
	require.NoError(t, err)
	require.Equal(t, stop, tr.Each(func(Record) error { return stop }))
}

// oneLineAbout checks the form of an error about a file.
func oneLineAbout(t *testing.T, err error, path string, kinds ...error) {
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.True(t, strings.HasPrefix(err.Error(), "trace "+path+": "), err.Error())
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return
		}
	}
	require.Failf(t, "wrong kind", "%v is none of %v", err, kinds)
}

func TestEveryFlippedByteIsRefused(t *testing.T) {
	data := encode(t, someHeader, someRecords(40), "pass")
	for i := range data {
		for _, flip := range []byte{0x01, 0x10, 0x80, 0xff} {
			bad := bytes.Clone(data)
			bad[i] ^= flip
			_, err := load("x", bad)
			oneLineAbout(t, err, "x", ErrDamaged, ErrNotTrace, ErrVersion)
			if i >= len(magic) {
				require.ErrorIs(t, err, ErrDamaged)
			}
		}
	}
}

func TestEveryTruncationAndAppendedByteIsRefused(t *testing.T) {
	data := encode(t, someHeader, someRecords(40), "pass")
	for i := 1; i < len(data); i++ {
		_, err := load("x", data[:i])
		oneLineAbout(t, err, "x", ErrDamaged)
		require.Contains(t, err.Error(), fmt.Sprintf("at byte %d: cut short", i))
	}
	_, err := load("x", append(bytes.Clone(data), "more"...))
	require.EqualError(t, err, fmt.Sprintf("trace x: damaged at byte %d: 4 bytes follow the trace's end", len(data)))
	twice, err := load("x", append(bytes.Clone(data), data...))
	require.Nil(t, twice)
	require.ErrorIs(t, err, ErrDamaged)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(data string) string {
		p := filepath.Join(dir, "x")
		require.NoError(t, os.WriteFile(p, []byte(data), 0o644))
		return p
	}
	good := string(encode(t, someHeader, someRecords(10), "pass"))
	middle := len(magic) + frameSize + 20
	for _, c := range []struct {
		data, text string
		is         error
	}{
		{"", `not a Weir trace: it is empty, a trace begins with "weir trace v1\n"`, ErrNotTrace},
		{"PK\x03\x04 and so on and so on", `not a Weir trace: it begins with "PK\x03\x04 and so on", a trace with "weir trace v1\n"`, ErrNotTrace},
		{"weir tr", `damaged at byte 7: cut short within its first line "weir trace v1\n"`, ErrDamaged},
		{strings.Replace(good, "v1", "v2", 1), `version 2, this build reads version 1`, ErrVersion},
		{"weir trace v12\nnothing that this build knows", `version 12, this build reads version 1`, ErrVersion},
		{strings.Replace(good, "v1", "vx", 1), `damaged at byte 12: the first line should be "weir trace v1\n"`, ErrDamaged},
		{good[:100], `damaged at byte 100: cut short: it should end with "\nweir end\n"`, ErrDamaged},
		{good[:middle] + "?" + good[middle+1:], fmt.Sprintf("damaged at byte %d: the checksum of section 'h'", len(magic)), ErrDamaged},
	} {
		p := file(c.data)
		_, err := Open(p)
		oneLineAbout(t, err, p, c.is)
		require.Contains(t, err.Error(), c.text)
	}
	_, err := Open(filepath.Join(dir, "none"))
	oneLineAbout(t, err, filepath.Join(dir, "none"), iofs.ErrNotExist)
	require.Contains(t, err.Error(), "no such file")
	_, err = Open(dir)
	oneLineAbout(t, err, dir, ErrNotTrace)
	require.Contains(t, err.Error(), "is a directory")
	_, err = Open(filepath.Join(dir, "a\nb"))
	require.NotContains(t, err.Error(), "\n")
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	_, err := Create(dir, someHeader, nameOf)
	oneLineAbout(t, err, dir, ErrNotTrace)
	_, err = Create(filepath.Join(dir, "none", "x"), someHeader, nameOf)
	oneLineAbout(t, err, filepath.Join(dir, "none", "x"), iofs.ErrNotExist)

	path := filepath.Join(dir, "x.trace")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o644))
	w, err := Create(path, someHeader, nameOf)
	require.NoError(t, err)
	w.Append(&Record{Number: 1})
	seen := func() string {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, "before", seen(), "nothing under the name before Close")
	w.Abort()
	require.Equal(t, "before", seen())

	w, err = Create(path, someHeader, nameOf)
	require.NoError(t, err)
	require.NoError(t, w.file.Close()) // every write fails from now on
	for i := range 2 * blockRecords {
		w.Append(&Record{Number: uint64(i)})
	}
	oneLineAbout(t, w.Close("pass"), path, os.ErrClosed)
	require.Equal(t, "before", seen())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary files stay")
}

// resum makes all checksums of a trace agree with its contents again.
func resum(data []byte) {
	body := data[:len(data)-len(endMark)-sumSize]
	for at := len(magic); at+frameSize+sumSize <= len(body); {
		n := int(binary.LittleEndian.Uint32(body[at+1:]))
		if n > len(body)-at-frameSize-sumSize {
			break
		}
		sum := sectionSum(body[at:at+frameSize], body[at+frameSize:at+frameSize+n])
		binary.LittleEndian.PutUint64(body[at+frameSize+n:], sum)
		at += frameSize + n + sumSize
	}
	binary.LittleEndian.PutUint64(data[len(body):], xxhash.Sum64(body))
}

// TestForgedTracesAreRefusedOrRead: with right checksums, too, nothing panics (T4).
func TestForgedTracesAreRefusedOrRead(t *testing.T) {
	good := encode(t, someHeader, someRecords(60), "pass")
	resummed := bytes.Clone(good)
	resum(resummed)
	require.Equal(t, good, resummed)
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(good)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			at := rapid.IntRange(len(magic), len(bad)-len(endMark)-sumSize-1).Draw(t, "at")
			bad[at] = rapid.Byte().Draw(t, "byte")
		}
		resum(bad)
		tr, err := load("x", bad)
		if err != nil {
			require.ErrorIs(t, err, ErrDamaged)
			return
		}
		n := uint64(0)
		err = tr.Each(func(Record) error { n++; return nil })
		if err != nil {
			require.ErrorIs(t, err, ErrDamaged)
		} else {
			require.Equal(t, tr.Count, n)
		}
	})
}

// TestSectionsOutOfPlace cuts whole, sound sections out and doubles them.
func TestSectionsOutOfPlace(t *testing.T) {
	good := encode(t, someHeader, someRecords(blockRecords+1), "pass")
	var starts []int
	body := len(good) - len(endMark) - sumSize
	for at := len(magic); at < body; at += frameSize + int(binary.LittleEndian.Uint32(good[at+1:])) + sumSize {
		starts = append(starts, at)
	}
	require.Len(t, starts, 4, "header, two blocks, end")
	starts = append(starts, body)
	for i := range 4 {
		a, b := starts[i], starts[i+1]
		without := append(bytes.Clone(good[:a]), good[b:]...)
		double := append(bytes.Clone(good[:b]), good[a:]...)
		for _, bad := range [][]byte{without, double} {
			resum(bad)
			_, err := load("x", bad)
			require.ErrorIs(t, err, ErrDamaged, "section %d", i)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	all := someRecords(100_000)
	for _, c := range []struct {
		name   string
		digest bool
	}{{"with digest in a third", true}, {"without digest", false}} {
		b.Run(c.name, func(b *testing.B) {
			list := append([]Record(nil), all...)
			for i := range list {
				if !c.digest {
					list[i].Digest = 0
				}
			}
			path := filepath.Join(b.TempDir(), "x.trace")
			w, err := Create(path, someHeader, nameOf)
			require.NoError(b, err)
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for b.Loop() {
				w.Append(&list[n%len(list)])
				n++
			}
			require.NoError(b, w.Close("pass"))
			st, err := os.Stat(path)
			require.NoError(b, err)
			b.ReportMetric(float64(st.Size())/float64(n), "bytes/record")
		})
	}
}

func BenchmarkFollow(b *testing.B) {
	all := someRecords(100_000)
	tr, err := load("x", encode(b, someHeader, all, "pass"))
	require.NoError(b, err)
	b.ReportAllocs()
	n := math.MaxInt
	var f *Follower
	for b.Loop() {
		if n >= len(all) {
			f, n = tr.Follow(nameOf, nil), 0
		}
		if d := f.Next(&all[n]); d != nil {
			b.Fatal(d)
		}
		n++
	}
}
