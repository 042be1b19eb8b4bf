// Package snapshot holds what a checkpoint is made of on disk: one file of state
// for each subtask and, written last, the _metadata file that names them all. A
// checkpoint is complete exactly when its _metadata is whole and durable.
//
// Both are checksummed files of package fs, so that a flipped bit or a cut is
// found when they are read.
package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/stream"
)

// MetadataName is the file that completes a checkpoint.
const MetadataName = "_metadata"

// Kinds and versions of the files.
const (
	metadataKind    = "meta"
	metadataVersion = 1
	taskKind        = "task"
	taskVersion     = 2
)

// Metadata describes a completed checkpoint.
type Metadata struct {
	Job        string         `json:"job"`
	Checkpoint uint64         `json:"checkpoint"`
	Attempt    stream.Attempt `json:"attempt"`
	Unaligned  bool           `json:"unaligned"`
	// AtLeastOnce says that channels were not aligned: what consumers had taken
	// behind a barrier comes again.
	AtLeastOnce bool `json:"at_least_once,omitempty"`
	// Repeats says that state may hold records twice already: an at-least-once
	// checkpoint was restored somewhere on the way here.
	Repeats bool `json:"repeats,omitempty"`
	// Time is when it was triggered, wall milliseconds.
	Time     int64    `json:"time"`
	Vertices []Vertex `json:"vertices"`
}

// Vertex is the state of one chain of operators.
type Vertex struct {
	UIDs           []string `json:"uids"`
	Codec          string   `json:"codec,omitempty"` // of the records it sends, in flight
	Parallelism    int      `json:"parallelism"`
	MaxParallelism int      `json:"max_parallelism"`
	Tasks          []Task   `json:"tasks"`
}

// Task is the state of one subtask: its file and, for checks, where its channels
// and sources stood.
type Task struct {
	File string `json:"file"` // relative to the checkpoint's directory
	Size int64  `json:"size"` // bytes of state
	// Sum is the hash of the state in the file.
	Sum      uint64             `json:"sum,string"`
	In       []ChannelPosition  `json:"in,omitempty"`
	Out      []ChannelPosition  `json:"out,omitempty"`
	Sources  []connect.Position `json:"sources,omitempty"`
	Ended    bool               `json:"ended,omitempty"`
	InFlight int64              `json:"in_flight,omitempty"` // bytes of in-flight data
}

// ChannelPosition is where one end of a channel stood at the snapshot. For a
// producer Record counts the records sent, for a consumer those taken; InFlight
// records from First on are in the snapshot.
type ChannelPosition struct {
	Edge     int    `json:"edge"`
	Peer     int    `json:"peer"` // subtask at the other end
	Record   uint64 `json:"record"`
	First    uint64 `json:"first,omitempty"`
	InFlight uint64 `json:"in_flight,omitempty"`
}

// Positions are where a task's channels stand, inputs in the order of the task's
// channels, outputs in that of its edges and subtasks: what its events tell.
type Positions struct{ In, Out []ChannelPosition }

// InFlight is the number of bytes of in-flight data in the checkpoint.
func (m *Metadata) InFlight() int64 {
	var n int64
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			n += t.InFlight
		}
	}
	return n
}

// Dir is the directory of a checkpoint under the job's checkpoint directory.
func Dir(root string, checkpoint uint64) string {
	return path.Join(root, "chk-"+strconv.FormatUint(checkpoint, 10))
}

// largestID bounds checkpoint ids, so that there is always a next one.
const largestID = 1 << 62

// ParseDir is the checkpoint id of a directory's name, from 1 on; ids compare as
// numbers.
func ParseDir(name string) (uint64, bool) {
	s, ok := strings.CutPrefix(name, "chk-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n > 0 && n <= largestID && strconv.FormatUint(n, 10) == s
}

// WriteMetadata completes a checkpoint. When it returns nil, the checkpoint is
// durable. An error leaves it unknown whether it is.
func WriteMetadata(fsys fs.FS, dir string, m *Metadata) error {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("metadata of %s: %w", dir, err)
	}
	return fs.WriteFile(fsys, path.Join(dir, MetadataName), metadataKind, metadataVersion, body)
}

// CheckMetadata is ReadMetadata without the contents: its error is nil if the
// checkpoint's metadata is there and whole.
func CheckMetadata(fsys fs.FS, dir string) error {
	_, _, err := fs.ReadFile(fsys, path.Join(dir, MetadataName), metadataKind, metadataVersion)
	return err
}

// ReadMetadata reads a checkpoint's metadata. The error satisfies errors.Is with
// fs.ErrNotExist if the checkpoint never completed, with fs.ErrCorrupt if its file
// is damaged.
func ReadMetadata(fsys fs.FS, dir string) (*Metadata, error) {
	name := path.Join(dir, MetadataName)
	_, body, err := fs.ReadFile(fsys, name, metadataKind, metadataVersion)
	if err != nil {
		return nil, err
	}
	m := &Metadata{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w: %v", name, fs.ErrCorrupt, err)
	}
	return m, nil
}
