package scenarios

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim/disk"
)

// onlooker is a reader from outside the job. It sees what is durable and nothing
// else: files of the sink under their committed names, the newest checkpoint with
// metadata that is whole, the newest epoch.
type onlooker struct {
	disk            *disk.Disk
	checkpoints, ha string

	parts   uint64                    // version of the output's directory that was read
	files   map[string]*committedFile // by name
	seen    [][]model.Sight           // by subtask, in order of name
	scratch [][]model.Sight

	epochs     uint64 // version of the directory that was read
	epoch      uint32
	candidates []*sealing // checkpoints that may be complete, ascending
}

// committedFile is a file of the sink: its contents are hashed once.
type committedFile struct {
	part   file.Part
	hashed bool
	of     *byte // where the contents are that were hashed
	model.Sight
}

// sealing is a checkpoint that has come to be sealed.
type sealing struct {
	id       uint64
	dir      string
	version  uint64 // of its directory when it was looked at
	complete bool
}

func newOnlooker(d *disk.Disk, checkpoints, ha string, subtasks int) *onlooker {
	return &onlooker{
		disk: d, checkpoints: checkpoints, ha: ha, files: map[string]*committedFile{},
		seen: make([][]model.Sight, subtasks), scratch: make([][]model.Sight, subtasks),
	}
}

// sealing tells that a checkpoint may be complete from now on.
func (o *onlooker) sealing(id uint64) {
	// Ids may go back: those of directories that a crash took come again.
	at, known := slices.BinarySearchFunc(o.candidates, id, func(c *sealing, id uint64) int { return cmp.Compare(c.id, id) })
	if !known {
		o.candidates = slices.Insert(o.candidates, at, &sealing{id: id, dir: snapshot.Dir(o.checkpoints, id)})
	}
}

// moved reports whether files of the output have come or gone since it was read.
func (o *onlooker) moved() bool { return o.disk.DurableVersion(OutputDir) != o.parts }

// output reads what is committed, and says in which subtasks that is not what it
// was. It looks at files only if the directory has changed, or if it is told to: a
// committed file does not change, but that is to be checked.
func (o *onlooker) output(look bool) (changed []int) {
	version := o.disk.DurableVersion(OutputDir)
	if version == o.parts && !look {
		return nil
	}
	o.parts = version
	for p := range o.scratch {
		o.scratch[p] = o.scratch[p][:0]
	}
	o.disk.EachDurable(OutputDir, o.visit)
	for p := range o.scratch {
		if !slices.Equal(o.scratch[p], o.seen[p]) {
			o.seen[p] = extended(o.seen[p], o.scratch[p])
			changed = append(changed, p)
		}
	}
	return changed
}

// extended is a list that may share memory with one that it continues, which does
// not change: readings are kept for the whole run, and mostly only grow.
func extended(was, is []model.Sight) []model.Sight {
	if n := len(was); len(is) >= n && slices.Equal(was, is[:n]) {
		return append(was, is[n:]...)
	}
	return slices.Clone(is)
}

func (o *onlooker) visit(name string, data []byte) {
	c := o.files[name]
	if c == nil {
		part, ok := file.ParsePart(name, SinkUID)
		if !ok || part.Subtask >= len(o.scratch) {
			return
		}
		c = &committedFile{part: part, Sight: model.Sight{Token: name}}
		o.files[name] = c
	}
	c.read(data)
	o.scratch[c.part.Subtask] = append(o.scratch[c.part.Subtask], c.Sight)
}

// read hashes contents that are not where those were that were hashed before.
func (c *committedFile) read(data []byte) {
	var at *byte
	if len(data) > 0 {
		at = &data[0]
	}
	if !c.hashed || at != c.of || int64(len(data)) != c.Content.Bytes {
		c.hashed, c.of, c.Content = true, at, model.Content{Bytes: int64(len(data)), Sum: xxhash.Sum64(data)}
	}
}

// shows reports whether a token is committed, as of the last reading.
func (o *onlooker) shows(token string) bool {
	part, ok := file.ParsePart(token, SinkUID)
	return ok && part.Subtask < len(o.seen) &&
		slices.ContainsFunc(o.seen[part.Subtask], func(s model.Sight) bool { return s.Token == token })
}

// latest reads which checkpoint is the newest complete one, 0 for none.
func (o *onlooker) latest() uint64 {
	newest := -1
	for i, c := range o.candidates {
		if v := o.disk.DurableVersion(c.dir); v != c.version {
			c.version = v
			c.complete = v != 0 && snapshot.CheckMetadata(o.disk.Durable(), c.dir) == nil
		}
		if c.complete {
			newest = i
		}
	}
	if newest < 0 {
		return 0
	}
	id := o.candidates[newest].id
	// Of older ones only two are still looked at, in case that the newest goes.
	if old := newest - 2; old > 0 {
		o.candidates = slices.Delete(o.candidates, 0, old)
	}
	return id
}

// newestEpoch reads the newest epoch, 0 for none.
func (o *onlooker) newestEpoch() uint32 {
	if v := o.disk.DurableVersion(o.ha); v != o.epochs {
		o.epochs, o.epoch = v, 0
		o.disk.EachDurable(o.ha, func(name string, _ []byte) { o.epoch = max(o.epoch, epochOf(name)) })
	}
	return o.epoch
}

// epochOf is the epoch that a file of the high-availability directory is of, 0 for
// another file.
func epochOf(name string) uint32 {
	s, ok := strings.CutPrefix(name, "epoch-")
	n, err := strconv.ParseUint(s, 10, 32)
	if !ok || err != nil {
		return 0
	}
	return uint32(n)
}

// contentOf is what a pre-commit stands for.
func contentOf(data any) (model.Content, bool) {
	c, ok := data.(committable)
	if !ok {
		return model.Content{}, false
	}
	size, hash, err := file.PreCommitted(c)
	return model.Content{Bytes: size, Sum: hash}, err == nil
}

// before is what a run begins with: epoch, checkpoint and committed files among the
// files that are there.
func before(r *run, h *model.History) {
	for _, f := range r.files {
		if name, ok := strings.CutPrefix(f.Name, r.config.HADir+"/"); ok {
			h.Epoch = max(h.Epoch, epochOf(name))
		}
		if name, ok := strings.CutPrefix(f.Name, r.config.CheckpointDir+"/"); ok {
			dir, base, _ := strings.Cut(name, "/")
			if id, ok := snapshot.ParseDir(dir); ok && base == snapshot.MetadataName {
				h.Checkpoint = max(h.Checkpoint, id)
			}
		}
		if name, ok := strings.CutPrefix(f.Name, OutputDir+"/"); ok {
			if part, ok := file.ParsePart(name, SinkUID); ok {
				h.Committed = append(h.Committed, model.Op{
					Kind: model.Commit, Partition: part.Subtask, Checkpoint: part.Checkpoint, Attempt: part.Attempt, Token: name,
					Content: model.Content{Bytes: int64(len(f.Data)), Sum: xxhash.Sum64(f.Data)},
				})
			}
		}
	}
}
