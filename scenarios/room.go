package scenarios

import "runtime"

// room is memory that is never touched, so that the system never gives it. While it is
// held garbage is collected after so many bytes at the earliest: worlds are made and
// thrown away, what is live of them is a few MiB, and a collection for each few MiB more
// would take a third of the time of their runs.
type room []byte

const roomBytes = 64 << 20

func newRoom() room { return make(room, roomBytes) }

// keep holds the room until it is called.
func (r room) keep() { runtime.KeepAlive(r) }
