package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
)

// pending is the content of a committable: a durable file that waits for its
// checkpoint.
type pending struct {
	tmp, final string // with their directory: it may be another one after a restore
	size       int64
	hash       uint64 // xxhash64 of the contents
	checkpoint uint64
}

func (p pending) committable() connect.Committable {
	b := append(make([]byte, 0, len(p.tmp)+len(p.final)+32), formatVersion)
	b = appendText(appendText(b, p.tmp), p.final)
	b = binary.AppendUvarint(b, uint64(p.size))
	b = binary.AppendUvarint(b, p.hash)
	b = binary.AppendUvarint(b, p.checkpoint)
	return connect.Committable{Checkpoint: p.checkpoint, Token: path.Base(p.final), Data: b}
}

func decodePending(c connect.Committable) (pending, error) {
	d := newDecoder(c.Data)
	p := pending{tmp: d.text(), final: d.text(), size: d.int(), hash: d.uint(), checkpoint: d.uint()}
	d.bad = d.bad || p.tmp == "" || p.final == "" || p.checkpoint != c.Checkpoint
	return p, d.end("committable " + c.Token)
}

// commit renames the files of all committables and makes that durable. With verify
// it first compares their contents with what was pre-committed.
func commit(fsys fs.FS, cs []connect.Committable, verify bool) error {
	var dirs []string
	for _, c := range cs {
		p, err := decodePending(c)
		if err == nil {
			err = p.commit(fsys, verify)
		}
		if err != nil {
			return fmt.Errorf("file sink: commit of checkpoint %d: %w", c.Checkpoint, err)
		}
		if dir := path.Dir(p.final); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs { // also where an earlier try did the rename (F6)
		if err := fsys.SyncDir(dir); err != nil {
			return fmt.Errorf("file sink: %w", err)
		}
	}
	return nil
}

func (p pending) commit(fsys fs.FS, verify bool) error {
	info, err := fsys.Stat(p.final)
	if err == nil {
		return p.repeated(fsys, info)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if verify {
		err = p.verify(fsys, p.tmp)
	} else {
		err = nil
	}
	if err == nil {
		err = fsys.Rename(p.tmp, p.final)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, err = fsys.Stat(p.final) // a zombie may have been quicker
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("neither %s nor %s is there, expected %d bytes: %w", p.tmp, p.final, p.size, err)
	}
	if err != nil {
		return err
	}
	return p.repeated(fsys, info)
}

// repeated takes a final file that is there for the work of an earlier commit, if
// it can be (F6).
func (p pending) repeated(fsys fs.FS, info fs.Info) error {
	if info.Dir || info.Size != p.size {
		return fmt.Errorf("%s has %d bytes, expected %d from %s: %w", p.final, info.Size, p.size, p.tmp, fs.ErrCorrupt)
	}
	_, err := fsys.Stat(p.tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil { // both: a rename cut in half by a crash, or another job's file
		err = p.verify(fsys, p.final)
	}
	if err == nil {
		err = fsys.Remove(p.tmp)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// verify compares a file with what was pre-committed.
func (p pending) verify(fsys fs.FS, name string) error {
	_, err := p.read(fsys, name)
	return err
}

// read reads a file that must have what was pre-committed.
func (p pending) read(fsys fs.FS, name string) ([]byte, error) {
	data, err := readAll(fsys, name)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != p.size || xxhash.Sum64(data) != p.hash {
		return nil, fmt.Errorf("%s is not what was pre-committed as %s for %s: expected %d bytes with hash %016x, found %d with %016x: %w",
			name, p.tmp, p.final, p.size, p.hash, len(data), xxhash.Sum64(data), fs.ErrCorrupt)
	}
	return data, nil
}

func readAll(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	var data []byte
	size, err := f.Size()
	if err == nil {
		data = make([]byte, size)
		_, err = io.ReadFull(io.NewSectionReader(f, 0, size), data)
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// recovery is the work that starts an attempt (F7).
type recovery struct {
	dir      string
	owner    owner
	restored []connect.Committable
}

func (r recovery) run(fsys fs.FS) (connect.Recovered, error) {
	if err := makeDir(fsys, r.dir); err != nil {
		return connect.Recovered{}, fmt.Errorf("file sink: %w", err)
	}
	if err := commit(fsys, r.restored, true); err != nil {
		return connect.Recovered{}, err
	}
	removed, err := r.removeOrphans(fsys)
	if err != nil {
		return connect.Recovered{}, fmt.Errorf("file sink: %w", err)
	}
	return connect.Recovered{Removed: removed}, nil
}

// makeDir creates dir so that it survives a crash. Another subtask may have made
// it without having come to the syncs, so they are not left out if it exists.
func makeDir(fsys fs.FS, dir string) error {
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for dir != path.Dir(dir) { // "." and "/" are their own parents
		dir = path.Dir(dir)
		err := fsys.SyncDir(dir)
		// Nobody creates directories where it may not even look.
		if err != nil && !errors.Is(err, iofs.ErrPermission) {
			return err
		}
	}
	return nil
}

// removeOrphans removes the in-progress files of the same uid and subtask that
// older attempts left. What was restored is committed by now.
func (r recovery) removeOrphans(fsys fs.FS) ([]string, error) {
	infos, err := fsys.List(r.dir)
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, info := range infos {
		o, _, ok := parseTmp(info.Name)
		if !ok || o.uid != r.owner.uid || o.subtask != r.owner.subtask || !o.attempt.Before(r.owner.attempt) {
			continue
		}
		err := fsys.Remove(path.Join(r.dir, info.Name))
		switch {
		case err == nil:
			removed = append(removed, info.Name)
		case !errors.Is(err, fs.ErrNotExist): // a zombie's commit or recovery took it
			return nil, err
		}
	}
	return removed, fsys.SyncDir(r.dir) // also what a recovery before removed and did not sync
}
