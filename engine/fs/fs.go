// Package fs is the engine's view of a file system: the few operations that
// checkpoints and file connectors need, with the guarantees of a POSIX file
// system and no more. Names are slash-separated and relative to a root that the
// host decides; a host may accept absolute names.
//
// What survives a crash of the machine is only what was synced: file contents by
// [File.Sync], entries of a directory (creation, rename, removal) by [FS.SyncDir]
// of that directory. A rename replaces its target atomically, but may itself be
// lost, or survive while the contents of the unsynced file are lost.
package fs

import (
	"errors"
	iofs "io/fs"
)

// Errors that callers tell apart with errors.Is. Anything else is an I/O error of
// unknown outcome: the operation may or may not have happened.
var (
	ErrNotExist = iofs.ErrNotExist
	ErrExist    = iofs.ErrExist
	ErrNoSpace  = errors.New("no space left on device")
	// ErrCorrupt is wrapped by errors about contents that fail their checksum,
	// are cut short or are in an unknown format.
	ErrCorrupt = errors.New("corrupt")
	// ErrDead is returned by every call of a crashed node's zombies.
	ErrDead = errors.New("the process that held this handle is gone")
)

// Info describes a file or directory.
type Info struct {
	Name string // last element
	Size int64  // bytes; 0 for directories
	Dir  bool
}

// File is an open file. It is used by one piece of work at a time.
type File interface {
	// ReadAt is as io.ReaderAt, but may return fewer bytes without an error, at least
	// one, as pread may: read on. At the end the error is io.EOF.
	ReadAt(p []byte, off int64) (int, error)
	// Write appends.
	Write(p []byte) (int, error)
	// Size is the file's current size in bytes.
	Size() (int64, error)
	// Sync makes the contents durable.
	Sync() error
	Close() error
}

// FS is a file system. Errors name the path.
type FS interface {
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// Create creates an empty file for writing, truncating one that exists.
	Create(name string) (File, error)
	// CreateNew creates a file for writing, and fails with ErrExist if there is one.
	CreateNew(name string) (File, error)
	// Append opens an existing file for writing at its end.
	Append(name string) (File, error)
	// Rename moves a file, replacing the target atomically.
	Rename(old, new string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// MkdirAll creates a directory and its parents; existing ones are fine.
	// Entries are durable after SyncDir of each parent.
	MkdirAll(name string) error
	// List returns the entries of a directory, sorted by name.
	List(dir string) ([]Info, error)
	// Stat describes a file or directory.
	Stat(name string) (Info, error)
	// SyncDir makes the entries of a directory durable.
	SyncDir(dir string) error
}
