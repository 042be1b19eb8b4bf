package connect

import "errors"

// ErrInput is wrapped by errors about an input that is missing, unreadable or not
// what it was when its splits were made. They fail the job without a restart.
var ErrInput = errors.New("input changed")
