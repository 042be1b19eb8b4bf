package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrUnknownName is wrapped by the errors of [Named].
var ErrUnknownName = errors.New("not the name of a built-in codec")

// Untyped reads what a built-in codec has written, for those who know its name only:
// tools and checks that look into a checkpoint without its job.
type Untyped struct {
	// Size says how many bytes the value at the front of src takes. Errors wrap
	// [ErrMalformed].
	Size func(src []byte) (int, error)
	// Text is the value at the front of src for people, with how many bytes it takes.
	Text func(src []byte) (string, int, error)
}

// Named finds the codec of a [Codec.Name]: a built-in one, or pairs and slices of
// those. Errors wrap [ErrUnknownName] and name what is not known.
func Named(name string) (Untyped, error) {
	u, rest, err := parseName(name)
	if err == nil && rest != "" {
		err = unknownName(name)
	}
	return u, err
}

func unknownName(name string) error { return fmt.Errorf("%q: %w", name, ErrUnknownName) }

// scalars are the built-in codecs without arguments.
var scalars = map[string]Untyped{
	Bool{}.Name():      untyped[bool](Bool{}, strconv.FormatBool),
	Int{}.Name():       untyped[int](Int{}, strconv.Itoa),
	Int32{}.Name():     untyped[int32](Int32{}, func(v int32) string { return strconv.FormatInt(int64(v), 10) }),
	Int64{}.Name():     untyped[int64](Int64{}, func(v int64) string { return strconv.FormatInt(v, 10) }),
	Uint32{}.Name():    untyped[uint32](Uint32{}, func(v uint32) string { return strconv.FormatUint(uint64(v), 10) }),
	Uint64{}.Name():    untyped[uint64](Uint64{}, func(v uint64) string { return strconv.FormatUint(v, 10) }),
	Float64{}.Name():   untyped[float64](Float64{}, func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }),
	UnitCodec{}.Name(): untyped[Unit](UnitCodec{}, func(Unit) string { return "()" }),
	String{}.Name():    counted(untyped[string](String{}, strconv.Quote), "the length of a string"),
	Bytes{}.Name():     counted(untyped[[]byte](Bytes{}, func(v []byte) string { return fmt.Sprintf("0x%x", v) }), "the length of bytes"),
}

func untyped[T any](c Codec[T], text func(v T) string) Untyped {
	return Untyped{
		Size: func(src []byte) (int, error) {
			_, n, err := c.Decode(src)
			return n, err
		},
		Text: func(src []byte) (string, int, error) {
			v, n, err := c.Decode(src)
			if err != nil {
				return "", 0, err
			}
			return text(v), n, nil
		},
	}
}

// counted is a codec that writes a length and so many bytes: a size needs no copy.
func counted(u Untyped, what string) Untyped {
	u.Size = func(src []byte) (int, error) {
		l, n, err := length(src, what)
		return l + n, err
	}
	return u
}

// parseName takes a codec's name off the front of a text.
func parseName(name string) (u Untyped, rest string, err error) {
	switch {
	case strings.HasPrefix(name, "pair("):
		return parsePair(name)
	case strings.HasPrefix(name, "slice("):
		return parseSlice(name)
	}
	end := strings.IndexAny(name, ",)")
	if end < 0 {
		end = len(name)
	}
	u, ok := scalars[name[:end]]
	if !ok {
		return u, "", unknownName(name[:end])
	}
	return u, name[end:], nil
}

func parsePair(name string) (Untyped, string, error) {
	first, rest, err := parseName(strings.TrimPrefix(name, "pair("))
	if err != nil {
		return Untyped{}, "", err
	}
	rest, ok := strings.CutPrefix(rest, ",")
	if !ok {
		return Untyped{}, "", unknownName(name)
	}
	second, rest, err := parseName(rest)
	if err != nil {
		return Untyped{}, "", err
	}
	if rest, ok = strings.CutPrefix(rest, ")/1"); !ok {
		return Untyped{}, "", unknownName(name)
	}
	return pairOf(first, second), rest, nil
}

func pairOf(first, second Untyped) Untyped {
	return Untyped{
		Size: func(src []byte) (int, error) {
			n, err := first.Size(src)
			if err != nil {
				return 0, fmt.Errorf("first of a pair: %w", err)
			}
			m, err := second.Size(src[n:])
			if err != nil {
				return 0, fmt.Errorf("second of a pair: %w", err)
			}
			return n + m, nil
		},
		Text: func(src []byte) (string, int, error) {
			a, n, err := first.Text(src)
			if err != nil {
				return "", 0, fmt.Errorf("first of a pair: %w", err)
			}
			b, m, err := second.Text(src[n:])
			if err != nil {
				return "", 0, fmt.Errorf("second of a pair: %w", err)
			}
			return "(" + a + ", " + b + ")", n + m, nil
		},
	}
}

func parseSlice(name string) (Untyped, string, error) {
	element, rest, err := parseName(strings.TrimPrefix(name, "slice("))
	if err != nil {
		return Untyped{}, "", err
	}
	rest, ok := strings.CutPrefix(rest, ")/1")
	if !ok {
		return Untyped{}, "", unknownName(name)
	}
	return sliceOf(element), rest, nil
}

func sliceOf(element Untyped) Untyped {
	// walk reads the elements, giving the text of each to say if that is not nil.
	walk := func(src []byte, say func(text string)) (int, error) {
		l, at, err := length(src, "the length of a slice")
		if err != nil {
			return 0, err
		}
		for i := range l {
			n, text := 0, ""
			if say == nil {
				n, err = element.Size(src[at:])
			} else {
				text, n, err = element.Text(src[at:])
			}
			if err == nil && n == 0 {
				if at == len(src) || src[at] != 0 {
					err = malformed("expected a zero byte for an empty element")
				}
				n = 1
			}
			if err != nil {
				return 0, fmt.Errorf("element %d of %d: %w", i, l, err)
			}
			if say != nil {
				say(text)
			}
			at += n
		}
		return at, nil
	}
	return Untyped{
		Size: func(src []byte) (int, error) { return walk(src, nil) },
		Text: func(src []byte) (string, int, error) {
			var all []string
			n, err := walk(src, func(text string) { all = append(all, text) })
			return "[" + strings.Join(all, ", ") + "]", n, err
		},
	}
}
