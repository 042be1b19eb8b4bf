//go:build !unix

package bench

import "time"

var began = time.Now()

// processor is the time since the process began, where the system is not asked for the
// processor time that it has used.
func processor() time.Duration { return time.Since(began) }
