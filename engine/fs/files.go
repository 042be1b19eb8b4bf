package fs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"

	"github.com/cespare/xxhash/v2"
)

// A checked file, integers little-endian:
//
//	"WEIR" | kind length, 1 byte | kind | version, 4 | payload length, 8 | payload | xxhash64 of all before, 8
const (
	magic    = "WEIR"
	sumBytes = 8
	// tempSuffix is what WriteFile appends.
	tempSuffix = ".tmp"
)

// WriteFile is [WriteFileVia] with the suffix ".tmp", for a file that only one
// writer, dead or alive, can be writing.
func WriteFile(fsys FS, name string, kind string, version uint32, payload []byte) error {
	return WriteFileVia(fsys, name, tempSuffix, kind, version, payload)
}

// WriteFileVia writes a checked file that [ReadFile] reads, replacing one that
// exists: whole and durable once it returns nil, and at no time in part under its
// name. It writes name+suffix first; writers that may run at once, such as
// zombies, need suffixes of their own. Kind says what the file holds, 1 to 255
// bytes; version is that of the payload's format.
//
// After an error the file is the old one or the new one, and which of the two may
// change with a crash of the machine. The temporary file is removed if that is
// still possible.
func WriteFileVia(fsys FS, name, suffix, kind string, version uint32, payload []byte) error {
	if kind == "" || len(kind) > 255 {
		return fmt.Errorf("write %s: the kind must have 1 to 255 bytes, %q has %d", name, kind, len(kind))
	}
	if suffix == "" {
		return fmt.Errorf("write %s: the temporary file needs a suffix", name)
	}
	temp := name + suffix
	err := writeSynced(fsys, temp, header(kind, version, len(payload)), payload)
	if err == nil {
		err = fsys.Rename(temp, name)
	}
	if err != nil {
		// Best effort: the first error is the one that tells.
		_ = fsys.Remove(temp)
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := fsys.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func header(kind string, version uint32, payload int) []byte {
	h := make([]byte, 0, len(magic)+1+len(kind)+12)
	h = append(h, magic...)
	h = append(h, byte(len(kind)))
	h = append(h, kind...)
	h = binary.LittleEndian.AppendUint32(h, version)
	return binary.LittleEndian.AppendUint64(h, uint64(payload))
}

func writeSynced(fsys FS, name string, header, payload []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	var sum xxhash.Digest
	sum.Reset()
	_, _ = sum.Write(header)
	_, _ = sum.Write(payload)
	for _, part := range [][]byte{header, payload, binary.LittleEndian.AppendUint64(nil, sum.Sum64())} {
		if err = writeAll(f, part); err != nil {
			break
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func writeAll(f File, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := f.Write(p)
	if err == nil && n < len(p) {
		return io.ErrShortWrite
	}
	return err
}

// ReadFile reads a checked file of that kind, of version maxVersion or older, and
// returns the version and the payload. Errors name the file; they wrap
// [ErrNotExist] if there is none, [ErrCorrupt] if it is cut short, too long, not a
// checked file, of another kind, of a newer version, or fails its checksum, and
// say where. Other errors are of reading and say nothing about the contents.
func ReadFile(fsys FS, name string, kind string, maxVersion uint32) (version uint32, payload []byte, err error) {
	data, err := readAll(fsys, name)
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", name, err)
	}
	foundKind, version, payload, err := parse(data)
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%s: %w: %w", name, ErrCorrupt, err)
	case foundKind != kind:
		return 0, nil, fmt.Errorf("%s: %w: unknown kind %q at byte %d, expected %q", name, ErrCorrupt, foundKind, len(magic)+1, kind)
	case version > maxVersion:
		return 0, nil, fmt.Errorf("%s: %w: version %d at byte %d is newer than %d, the newest this program knows",
			name, ErrCorrupt, version, len(magic)+1+len(kind), maxVersion)
	}
	return version, payload, nil
}

// parse checks the checksum before it returns a kind or version, so that damage
// is not taken for another format.
func parse(data []byte) (kind string, version uint32, payload []byte, err error) {
	fixed := len(magic) + 1
	if seen := min(len(data), len(magic)); string(data[:seen]) != magic[:seen] {
		return "", 0, nil, fmt.Errorf("unknown format: the first bytes are %q, expected %q", data[:seen], magic)
	}
	if len(data) < fixed {
		return "", 0, nil, fmt.Errorf("cut short at byte %d, in the header", len(data))
	}
	start := fixed + int(data[len(magic)]) + 12
	if len(data) < start {
		return "", 0, nil, fmt.Errorf("cut short at byte %d, in the header of %d bytes", len(data), start)
	}
	rest := uint64(len(data) - start)
	want := binary.LittleEndian.Uint64(data[start-8:])
	switch {
	case rest < sumBytes || rest-sumBytes < want:
		return "", 0, nil, fmt.Errorf("cut short at byte %d: the header at byte %d says %d bytes follow, and %d of checksum",
			len(data), start-8, want, sumBytes)
	case rest-sumBytes > want:
		return "", 0, nil, fmt.Errorf("%d bytes too many after byte %d, where the header at byte %d says it ends",
			rest-sumBytes-want, uint64(start)+want+sumBytes, start-8)
	}
	end := len(data) - sumBytes
	if got, stored := xxhash.Sum64(data[:end]), binary.LittleEndian.Uint64(data[end:]); got != stored {
		return "", 0, nil, fmt.Errorf("checksum of bytes 0 to %d is %016x, stored at byte %d is %016x", end, got, end, stored)
	}
	version = binary.LittleEndian.Uint32(data[start-12:])
	return string(data[fixed : start-12]), version, data[start:end:end], nil
}

func readAll(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := readOpen(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return data, err
}

func readOpen(f File) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	for at := 0; at < len(data); {
		n, err := f.ReadAt(data[at:], int64(at))
		at += n
		switch {
		case at == len(data):
			return data, nil
		case errors.Is(err, io.EOF):
			// It became shorter since Size: what is there is judged.
			return data[:at], nil
		case err != nil:
			return nil, fmt.Errorf("at byte %d of %d: %w", at, size, err)
		case n == 0:
			return nil, fmt.Errorf("at byte %d of %d: %w", at, size, io.ErrNoProgress)
		}
	}
	return data, nil
}

// Exists reports whether there is a file or directory of that name. An error says
// that it could not be found out.
func Exists(fsys FS, name string) (bool, error) {
	_, err := fsys.Stat(name)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// RemoveAll removes a file, or a directory and what is in it: in each directory
// the files sorted by name, then the directories, then itself. What is missing,
// from the start or because someone else removes too, is fine. It stops at the
// first error. The removal of name itself is durable after SyncDir of its parent.
func RemoveAll(fsys FS, name string) error {
	info, err := fsys.Stat(name)
	if err == nil && info.Dir {
		err = removeEntries(fsys, name)
	}
	if err == nil {
		err = fsys.Remove(name)
	}
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

func removeEntries(fsys FS, dir string) error {
	entries, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		if err := fsys.Remove(path.Join(dir, e.Name)); err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	for _, e := range entries {
		if !e.Dir {
			continue
		}
		if err := RemoveAll(fsys, path.Join(dir, e.Name)); err != nil {
			return err
		}
	}
	return nil
}

// MkdirAllSynced creates a directory and its parents, durably: it syncs every
// parent, also of directories that exist, since whoever made those may have died
// before syncing. Parents further up that this process may not read are passed
// over: it can't have made entries there.
func MkdirAllSynced(fsys FS, dir string) error {
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	dir = path.Clean(dir)
	for parent := path.Dir(dir); parent != dir; dir, parent = parent, path.Dir(parent) {
		err := fsys.SyncDir(parent)
		if err != nil && !errors.Is(err, iofs.ErrPermission) {
			return err
		}
	}
	return nil
}
