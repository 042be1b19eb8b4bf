package snapshot

import (
	"encoding/binary"
	"fmt"
	"path"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/fs"
)

// TaskState is the contents of a subtask's file.
type TaskState struct {
	// Ended says that the task had seen the end of all its input.
	Ended bool
	// Watermark is the last watermark the task had passed on.
	Watermark int64
	In        []Channel   // by input channel
	Out       [][]Channel // by output edge and subpartition
	Operators []Operator
}

// Channel is the state of one end of a channel.
type Channel struct {
	Record   uint64 // next record to take, or to send
	InFlight []byte // batches, as channel.AppendCaptured writes them; may be empty
}

// Operator is the state of one operator of the chain.
type Operator struct {
	UID  string
	Data []byte
}

// room is no less than the bytes of the state's encoding, so that it grows once.
func (s *TaskState) room() int {
	const each = binary.MaxVarintLen64
	n := 1 + 4*each
	add := func(cs []Channel) {
		n += each
		for _, c := range cs {
			n += 2*each + len(c.InFlight)
		}
	}
	add(s.In)
	for _, cs := range s.Out {
		add(cs)
	}
	for _, o := range s.Operators {
		n += 2*each + len(o.UID) + len(o.Data)
	}
	return n
}

// Append appends the state's encoding.
func (s *TaskState) Append(dst []byte) []byte {
	ended := byte(0)
	if s.Ended {
		ended = 1
	}
	dst = append(dst, ended)
	dst = binary.AppendVarint(dst, s.Watermark)
	dst = appendChannels(dst, s.In)
	dst = binary.AppendUvarint(dst, uint64(len(s.Out)))
	for _, cs := range s.Out {
		dst = appendChannels(dst, cs)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Operators)))
	for _, o := range s.Operators {
		dst = appendBytes(dst, []byte(o.UID))
		dst = appendBytes(dst, o.Data)
	}
	return dst
}

func appendChannels(dst []byte, cs []Channel) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(cs)))
	for _, c := range cs {
		dst = binary.AppendUvarint(dst, c.Record)
		dst = appendBytes(dst, c.InFlight)
	}
	return dst
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// Decode reads what Append wrote. Byte slices alias src. Errors wrap
// codec.ErrMalformed.
func (s *TaskState) Decode(src []byte) error {
	r := reader{src: src}
	s.Ended = r.bool()
	s.Watermark = r.varint()
	s.In = r.channels()
	for range r.count() {
		s.Out = append(s.Out, r.channels())
	}
	for range r.count() {
		s.Operators = append(s.Operators, Operator{UID: string(r.bytes()), Data: r.bytes()})
	}
	if r.bad || len(r.src) != 0 {
		return fmt.Errorf("task state, %d bytes before its end: %w", len(r.src), codec.ErrMalformed)
	}
	return nil
}

// reader takes values off the front of src and notes when they don't fit.
type reader struct {
	src []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.src = true, nil }

func (r *reader) bool() bool {
	if len(r.src) == 0 || r.src[0] > 1 {
		r.fail()
		return false
	}
	b := r.src[0] == 1
	r.src = r.src[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	n, k := binary.Uvarint(r.src)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.src = r.src[k:]
	return n
}

func (r *reader) varint() int64 {
	n, k := binary.Varint(r.src)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.src = r.src[k:]
	return n
}

// count is a number of things that take at least a byte each.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.src)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	b := r.src[:n:n]
	r.src = r.src[n:]
	return b
}

func (r *reader) channels() []Channel {
	n := r.count()
	cs := make([]Channel, 0, n)
	for range n {
		cs = append(cs, Channel{Record: r.uvarint(), InFlight: r.bytes()})
	}
	return cs
}

// WriteTask writes a subtask's file into a checkpoint's directory and makes it
// durable. It returns its size and hash.
func WriteTask(fsys fs.FS, dir, file string, s *TaskState) (size int64, sum uint64, err error) {
	body := s.Append(make([]byte, 0, s.room()))
	if err := fs.WriteFile(fsys, path.Join(dir, file), taskKind, taskVersion, body); err != nil {
		return 0, 0, err
	}
	return int64(len(body)), xxhash.Sum64(body), nil
}

// ReadTask reads a subtask's file and compares it with its metadata. The error
// wraps fs.ErrCorrupt if the file is damaged or is another one, fs.ErrNotExist if
// it is missing.
func ReadTask(fsys fs.FS, dir string, t Task) (*TaskState, error) {
	name := path.Join(dir, t.File)
	version, body, err := fs.ReadFile(fsys, name, taskKind, taskVersion)
	if err != nil {
		return nil, err
	}
	if version < taskVersion { // keyed state did not name the codec of its timers' keys
		return nil, fmt.Errorf("%s: %w: version %d is older than %d, the oldest this program reads", name, fs.ErrCorrupt, version, taskVersion)
	}
	if int64(len(body)) != t.Size || xxhash.Sum64(body) != t.Sum {
		return nil, fmt.Errorf("%s: %w: %d bytes with sum %x, the metadata says %d bytes with sum %x",
			name, fs.ErrCorrupt, len(body), xxhash.Sum64(body), t.Size, t.Sum)
	}
	s := &TaskState{}
	if err := s.Decode(body); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, fs.ErrCorrupt, err)
	}
	return s, nil
}
