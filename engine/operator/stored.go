package operator

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/codec"
)

// StoredEntries calls yield for each entry of a keyed operator's state as
// [Snapshot.Append] wrote it, until it returns false. Codecs are found by the names
// stored with it: by named, of which codec.Named needs nothing of the job. Errors wrap
// [codec.ErrMalformed], or are those of named.
func StoredEntries(src []byte, named func(name string) (codec.Untyped, error), yield func(Entry) bool) error {
	more := true
	until := func(e Entry) bool {
		more = more && yield(e)
		return more
	}
	n, k := binary.Uvarint(src)
	if k <= 0 {
		return fmt.Errorf("keyed state: %w", codec.ErrMalformed)
	}
	src = src[k:]
	for range n {
		var name, codecs, data []byte
		var err error
		for _, part := range []*[]byte{&name, &codecs, &data} {
			if *part, src, err = takeBytes(src); err != nil {
				return err
			}
		}
		keys, values, _ := strings.Cut(string(codecs), " to ")
		if err := storedTable(Entry{State: string(name), KeyCodec: keys, ValueCodec: values}, data, named, until); err != nil {
			return fmt.Errorf("state %q: %w", name, err)
		}
	}
	timers, src, err := takeBytes(src)
	if err != nil {
		return err
	}
	keys, rest, err := takeBytes(src)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes behind the keyed state: %w", len(rest), codec.ErrMalformed)
	}
	if err := storedTimers(string(keys), timers, named, until); err != nil {
		return fmt.Errorf("timers: %w", err)
	}
	return nil
}

// storedTable reads key groups: number, count, entries.
func storedTable(e Entry, src []byte, named func(name string) (codec.Untyped, error), yield func(Entry) bool) error {
	keys, err := named(e.KeyCodec)
	if err != nil {
		return err
	}
	values, err := named(e.ValueCodec)
	if err != nil {
		return err
	}
	for len(src) > 0 {
		group, k := binary.Uvarint(src)
		if k <= 0 {
			return fmt.Errorf("number of a key group: %w", codec.ErrMalformed)
		}
		src = src[k:]
		count, k := binary.Uvarint(src)
		if k <= 0 {
			return fmt.Errorf("size of key group %d: %w", group, codec.ErrMalformed)
		}
		src = src[k:]
		for i := range count {
			n, err := keys.Size(src)
			if err != nil {
				return fmt.Errorf("key %d of key group %d: %w", i, group, err)
			}
			m, err := values.Size(src[n:])
			if err != nil {
				return fmt.Errorf("value %d of key group %d: %w", i, group, err)
			}
			e.Key, e.Value = src[:n:n], src[n:n+m:n+m]
			if !yield(e) {
				return nil
			}
			src = src[n+m:]
		}
	}
	return nil
}

// storedTimers reads event-time timers, then those of processing time: time, hash, key.
func storedTimers(keyCodec string, src []byte, named func(name string) (codec.Untyped, error), yield func(Entry) bool) error {
	keys := codec.Untyped{}
	for _, kind := range [...]EntryKind{EventTimer, ProcessingTimer} {
		count, k := binary.Uvarint(src)
		if k <= 0 {
			return codec.ErrMalformed
		}
		src = src[k:]
		if count > 0 && keys.Size == nil {
			var err error
			if keys, err = named(keyCodec); err != nil {
				return err
			}
		}
		for range count {
			_, at := binary.Varint(src)
			if at <= 0 {
				return codec.ErrMalformed
			}
			_, hash := binary.Uvarint(src[at:])
			if hash <= 0 {
				return codec.ErrMalformed
			}
			n, err := keys.Size(src[at+hash:])
			if err != nil {
				return fmt.Errorf("key: %w", err)
			}
			e := Entry{Kind: kind, KeyCodec: keyCodec, Key: src[at+hash : at+hash+n], Value: src[:at:at]}
			if !yield(e) {
				return nil
			}
			src = src[at+hash+n:]
		}
	}
	if len(src) > 0 {
		return fmt.Errorf("%d bytes behind the last: %w", len(src), codec.ErrMalformed)
	}
	return nil
}

// Text is an entry for people: key and value as far as their codecs are built
// in, otherwise as quoted bytes.
func (e Entry) Text() (key, value string) {
	switch e.Kind {
	case EventTimer, ProcessingTimer:
		at, _ := binary.Varint(e.Value)
		return codecText(e.KeyCodec, e.Key), fmt.Sprint(at)
	case SplitPosition:
		return string(e.Key), fmt.Sprintf("%q", e.Value)
	}
	return codecText(e.KeyCodec, e.Key), codecText(e.ValueCodec, e.Value)
}

func codecText(name string, src []byte) string {
	if c, err := codec.Named(name); err == nil {
		if s, n, err := c.Text(src); err == nil && n == len(src) {
			return s
		}
	}
	return fmt.Sprintf("%q", src)
}
