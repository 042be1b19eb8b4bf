package model

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/engine/stream"
)

// Never is the return of an operation that has not returned: its caller crashed, or
// the run ended. Whether it took effect shows in what others saw.
const Never = math.MaxInt64

// OpKind says what an operation does.
type OpKind uint8

// The operations. Those on the checkpoint store concern every sink partition too.
const (
	// Acquire makes a JobManager the leader of Attempt.Epoch.
	Acquire OpKind = iota
	// Complete makes Checkpoint, triggered by Attempt, the latest complete one.
	Complete
	// Restore starts Attempt from Checkpoint, the latest complete one; 0 if there is
	// none.
	Restore
	// ReadStore is an observer's: Checkpoint is the latest that is durable and
	// complete, Attempt.Epoch the newest epoch.
	ReadStore
	// Commit makes Token visible in Partition, with Content: what Attempt
	// pre-committed for Checkpoint. Its call is the pre-commit.
	Commit
	// ReadOutput is an observer's: Seen is what is committed and durable in Partition.
	ReadOutput
)

// Content is how long committed output is and its hash.
type Content struct {
	Bytes int64
	Sum   uint64
}

// plus adds output to output, in no order.
func (c Content) plus(d Content) Content {
	return Content{c.Bytes + d.Bytes, c.Sum + mix(d.Sum)}
}

// Sight is committed output as an observer sees it.
type Sight struct {
	Token   string
	Content Content
}

// fold is the length and digest of all that an observer sees.
func fold(seen []Sight) (all Content) {
	for _, s := range seen {
		all = all.plus(s.Content)
	}
	return all
}

// Op is an operation, from its call to its return; the interval is closed. Which
// other fields count depends on the kind.
type Op struct {
	Kind         OpKind
	Call, Return int64
	// Called and Returned are the numbers of the events in which, for messages.
	Called, Returned uint64
	Partition        int
	Checkpoint       uint64
	Attempt          stream.Attempt
	Token            string
	Content          Content
	Seen             []Sight
}

// History is what was done to the checkpoint store and to the partitions of one
// sink, and what observers saw of it. It is to be linearizable with respect to this
// object, for each partition:
//
//	state        epoch, attempt, latest complete checkpoint D, committed tokens
//	Acquire(k)   k is above the epoch; epoch := k
//	Complete(e)  e > D, and its attempt is none before the restored one; D := e
//	Restore(e)   e = D, its epoch is the leader's, its attempt newer; attempt := it
//	Commit(t)    a complete checkpoint of t's attempt, and not older, owns t: the
//	             first of these. All that older ones own is committed already, t not.
//	Read         shows exactly that: D and epoch, or the committed tokens with the
//	             contents they were pre-committed with
//
// Retries of a commit, by whatever attempt, are one operation. Partitions are
// independent: nothing says that one epoch becomes visible in all of them at once.
type History struct {
	// Epoch, Checkpoint and Committed are what was there before the first operation.
	// What was pre-committed for that checkpoint or an older one, it owns.
	Epoch      uint32
	Checkpoint uint64
	Committed  []Op // commits, of which partition, token and content count
	Partitions int
	Ops        []Op
	// Drained is when everything that was to be committed had been, 0 for never: a
	// read called then or later must show it.
	Drained int64
}

// Store is the partition number under which the checkpoint store is judged alone.
const Store = -1

// String is the operation in words, without when it was.
func (o *Op) String() string {
	switch o.Kind {
	case Acquire:
		return fmt.Sprintf("acquire epoch %d", o.Attempt.Epoch)
	case Complete:
		return fmt.Sprintf("complete checkpoint %d (attempt %s)", o.Checkpoint, o.Attempt)
	case Restore:
		if o.Checkpoint == 0 {
			return fmt.Sprintf("attempt %s starts from nothing", o.Attempt)
		}
		return fmt.Sprintf("attempt %s restores checkpoint %d", o.Attempt, o.Checkpoint)
	case ReadStore:
		return fmt.Sprintf("read store: checkpoint %d, epoch %d", o.Checkpoint, o.Attempt.Epoch)
	case Commit:
		return fmt.Sprintf("commit %s (%d bytes)", o.Token, o.Content.Bytes)
	}
	if len(o.Seen) == 0 {
		return fmt.Sprintf("read partition %d: nothing", o.Partition)
	}
	files := "1 file"
	if len(o.Seen) > 1 {
		files = fmt.Sprintf("%d files", len(o.Seen))
	}
	return fmt.Sprintf("read partition %d: %s, %d bytes, last %s", o.Partition, files, fold(o.Seen).Bytes, o.Seen[len(o.Seen)-1].Token)
}

// when is at which events the operation was.
func (o *Op) when() string {
	switch {
	case o.Return == Never:
		return fmt.Sprintf("from event %d on", o.Called)
	case o.Called == o.Returned:
		return fmt.Sprintf("event %d", o.Called)
	}
	return fmt.Sprintf("events %d to %d", o.Called, o.Returned)
}

// has reports whether an observer saw a token.
func (o *Op) has(token string) bool {
	for i := range o.Seen {
		if o.Seen[i].Token == token {
			return true
		}
	}
	return false
}
