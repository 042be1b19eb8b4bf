package codec

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error of [Codec.Decode]: the bytes are cut
// short or are not what Append writes.
var ErrMalformed = errors.New("malformed encoding")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
