package operator

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/state/hashmap"
	"github.com/weirstream/weir/engine/stream"
)

// KeyedState is the named states and timers of a keyed operator, and its current
// key.
type KeyedState[K comparable] struct {
	Codec  codec.Codec[K]
	Timers TimerService[K]

	key            K
	hash           uint64
	hashOf         func(key K) stream.KeyHash // made when first needed
	maxParallelism int
	first, last    int
	tables         []namedTable
}

// Open fixes the key groups of the subtask.
func (s *KeyedState[K]) Open(env *Env, maxParallelism int) {
	s.maxParallelism = maxParallelism
	s.first, s.last = graph.Range(env.Subtask, maxParallelism, env.Parallelism)
}

// Hash is the stable hash of a key.
func (s *KeyedState[K]) Hash(key K) stream.KeyHash {
	if s.hashOf == nil {
		s.hashOf = graph.KeyHasher(s.Codec, s.maxParallelism)
	}
	return s.hashOf(key)
}

// Use makes a key the current one.
func (s *KeyedState[K]) Use(key K) { s.key, s.hash = key, s.Hash(key).Hash }

// Key is the current key.
func (s *KeyedState[K]) Key() K { return s.key }

// SetTimer sets a timer for the current key.
func (s *KeyedState[K]) SetTimer(at int64, event bool) { s.Timers.Set(at, s.hash, s.key, event) }

// DeleteTimer removes a timer of the current key.
func (s *KeyedState[K]) DeleteTimer(at int64, event bool) { s.Timers.Delete(at, s.key, event) }

type namedTable interface {
	name() string
	// codecs identifies the formats of keys and values: a snapshot of others is
	// refused.
	codecs() string
	snapshot() Snapshot
	restore(src []byte) error
	entries(yield func(Entry) bool) bool
}

type valueTable[K comparable, V any] struct {
	named  string
	table  *hashmap.Table[K, V]
	keys   codec.Codec[K]
	values codec.Codec[V]
}

func (t *valueTable[K, V]) name() string   { return t.named }
func (t *valueTable[K, V]) codecs() string { return t.keys.Name() + " to " + t.values.Name() }

func (t *valueTable[K, V]) snapshot() Snapshot {
	return tableSnapshot[K, V]{t.table.Snapshot(), t.keys, t.values}
}

func (t *valueTable[K, V]) restore(src []byte) error {
	return t.table.Restore(src, t.keys, t.values, hashmap.ByEncoding[K])
}

type tableSnapshot[K comparable, V any] struct {
	snap   *hashmap.Snap[K, V]
	keys   codec.Codec[K]
	values codec.Codec[V]
}

// piece is how many bytes are written between two yields: some 0.3 ms of work.
const piece = 64 << 10

func (s tableSnapshot[K, V]) Append(dst []byte, yield func()) []byte {
	w := s.snap.Writer(s.keys, s.values)
	from := len(dst)
	for more := true; more; {
		if yield != nil && len(dst) > from {
			yield()
		}
		dst, more = w.Next(slices.Grow(dst, w.Ahead()), piece)
	}
	return dst
}
func (s tableSnapshot[K, V]) Release() { s.snap.Release() }

// NewValue declares a named state with one value a key and returns its access
// functions, which act on the current key.
func NewValue[K comparable, V any](s *KeyedState[K], name string, c codec.Codec[V]) (get func() (V, bool), set func(V), clear func(), err error) {
	for _, t := range s.tables {
		if t.name() == name {
			return nil, nil, nil, fmt.Errorf("state %q is declared twice", name)
		}
	}
	t := hashmap.New[K, V](s.maxParallelism, s.first, s.last)
	s.tables = append(s.tables, &valueTable[K, V]{name, t, s.Codec, c})
	return func() (V, bool) { return t.Get(s.hash, s.key) },
		func(v V) { t.Set(s.hash, s.key, v) },
		func() { t.Delete(s.hash, s.key) }, nil
}

// keyedSnapshot is all tables and the timers.
type keyedSnapshot struct {
	names  []string
	codecs []string
	parts  []Snapshot
	timers []byte
	keys   string // codec of the timers' keys
}

// Snapshot implements [Stateful].
func (s *KeyedState[K]) Snapshot() Snapshot {
	k := &keyedSnapshot{timers: s.Timers.append(nil, s.Codec), keys: s.Codec.Name()}
	for _, t := range s.tables {
		k.names, k.codecs, k.parts = append(k.names, t.name()), append(k.codecs, t.codecs()), append(k.parts, t.snapshot())
	}
	return k
}

// Append implements [Snapshot].
func (k *keyedSnapshot) Append(dst []byte, yield func()) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(k.parts)))
	for i, p := range k.parts {
		dst = appendBytes(dst, []byte(k.names[i]))
		dst = appendBytes(dst, []byte(k.codecs[i]))
		dst = appendBytes(dst, p.Append(nil, yield))
	}
	return appendBytes(appendBytes(dst, k.timers), []byte(k.keys))
}

// Release implements [Snapshot].
func (k *keyedSnapshot) Release() {
	for _, p := range k.parts {
		p.Release()
	}
}

// Restore implements [Stateful]. A state in src that was not declared is an error.
func (s *KeyedState[K]) Restore(src []byte) error {
	n, k := binary.Uvarint(src)
	if k <= 0 {
		return fmt.Errorf("keyed state: %w", codec.ErrMalformed)
	}
	src = src[k:]
	for range n {
		var name, codecs, data []byte
		var err error
		if name, src, err = takeBytes(src); err != nil {
			return err
		}
		if codecs, src, err = takeBytes(src); err != nil {
			return err
		}
		if data, src, err = takeBytes(src); err != nil {
			return err
		}
		if err := s.restoreTable(string(name), string(codecs), data); err != nil {
			return err
		}
	}
	timers, src, err := takeBytes(src)
	if err != nil {
		return err
	}
	if err := s.checkKeys(src); err != nil {
		return err
	}
	return s.Timers.restore(timers, s.Codec)
}

// checkKeys compares the codec of the timers' keys with that of the job.
func (s *KeyedState[K]) checkKeys(src []byte) error {
	keys, rest, err := takeBytes(src)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes behind the keyed state: %w", len(rest), codec.ErrMalformed)
	}
	if name := s.Codec.Name(); string(keys) != name {
		return fmt.Errorf("timers have keys of %s in the snapshot and of %s in the job; restoring with other codecs is not supported", keys, name)
	}
	return nil
}

func (s *KeyedState[K]) restoreTable(name, codecs string, data []byte) error {
	for _, t := range s.tables {
		if t.name() == name {
			if t.codecs() != codecs {
				return fmt.Errorf("state %q maps %s in the snapshot and %s in the job; restoring with other codecs is not supported", name, codecs, t.codecs())
			}
			if err := t.restore(data); err != nil {
				return fmt.Errorf("state %q: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("state %q is in the snapshot but not in the job", name)
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func takeBytes(src []byte) (b, rest []byte, err error) {
	n, k := binary.Uvarint(src)
	if k <= 0 || n > uint64(len(src)-k) {
		return nil, nil, fmt.Errorf("keyed state is cut short: %w", codec.ErrMalformed)
	}
	return src[k : k+int(n)], src[k+int(n):], nil
}
