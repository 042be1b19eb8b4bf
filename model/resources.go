package model

import (
	"fmt"

	"github.com/weirstream/weir/engine/stream"
)

// Buffers is what a task has taken and given back of batches, credits and snapshots.
type Buffers struct {
	// Credits of its input channels together; Granted to producers so far, and Room:
	// to be granted.
	Credits, Granted, Room int64
	// Received are batches from producers, Restored those from a checkpoint, Used those
	// taken to their end, Waiting those in the input queues.
	Received, Restored, Used, Waiting int64
	// Queued are batches that entered output queues, Written those that left them,
	// Unsent those in them.
	Queued, Written, Unsent int64
	// Pinned are batches kept for checkpoints, Released those let go, Writing those of
	// files that are being written.
	Pinned, Released, Writing int64
	// States are snapshots of state, likewise.
	States, StatesReleased, StatesWriting int64
}

// Check says what is wrong with the buffers of a task that has seen the end of its
// input (T12); finished says that it is done, and must have given everything back.
func (b Buffers) Check(task string, finished bool) (out []string) {
	say := func(format string, args ...any) { out = append(out, "T12: "+task+" "+fmt.Sprintf(format, args...)) }
	if in := b.Received + b.Restored; in != b.Used+b.Waiting {
		say("took %d batches in, and %d out, with %d in its queues", in, b.Used, b.Waiting)
	}
	if b.Waiting != 0 {
		say("has %d batches in its input queues behind the end of its input", b.Waiting)
	}
	if have, want := b.Granted+b.Room, b.Credits+b.Used-b.Restored; have != want {
		say("has granted %d credits and has %d to grant, of %d", b.Granted, b.Room, want)
	}
	if b.Received > b.Granted {
		say("received %d batches for %d credits", b.Received, b.Granted)
	}
	if b.Queued != b.Written+b.Unsent {
		say("queued %d batches and wrote %d, with %d in its queues", b.Queued, b.Written, b.Unsent)
	}
	if b.Released > b.Pinned {
		say("released %d pinned batches of %d", b.Released, b.Pinned)
	}
	if b.StatesReleased > b.States {
		say("released %d snapshots of its state, and took %d", b.StatesReleased, b.States)
	}
	if !finished {
		return out
	}
	if b.Unsent != 0 {
		say("finished with %d batches in its output queues", b.Unsent)
	}
	if n := b.Pinned - b.Released - b.Writing; n > 0 {
		say("finished with %d pinned batches that no checkpoint needs", n)
	}
	if n := b.States - b.StatesReleased - b.StatesWriting; n > 0 {
		say("finished with %d snapshots of its state that no checkpoint needs", n)
	}
	return out
}

// Transactions follows what sinks have made ready until it is committed, or an attempt
// that does not own it has recovered. The zero value is ready. An event costs O(1)
// amortized, and O(transactions that are open for its task).
type Transactions struct {
	attempt  stream.Attempt
	restores uint64
	open     map[string][]transaction // by task
	order    []string                 // tasks
}

type transaction struct {
	token   string
	id      uint64
	attempt stream.Attempt
}

// Deploying tells which checkpoint an attempt starts from.
func (x *Transactions) Deploying(a stream.Attempt, checkpoint uint64) {
	x.attempt, x.restores = a, checkpoint
}

// PreCommitted tells that a sink task of an attempt has made ready what belongs to a
// checkpoint. What an older attempt says is left to the one that recovers.
func (x *Transactions) PreCommitted(task string, a stream.Attempt, id uint64, token string) {
	if a != x.attempt {
		return
	}
	if x.open == nil {
		x.open = map[string][]transaction{}
	}
	if _, ok := x.open[task]; !ok {
		x.order = append(x.order, task)
	}
	x.open[task] = append(x.open[task], transaction{token, id, a})
}

// Committed tells of a commit by any attempt.
func (x *Transactions) Committed(task, token string) {
	for i, t := range x.open[task] {
		if t.token == token {
			x.open[task] = append(x.open[task][:i], x.open[task][i+1:]...)
			return
		}
	}
}

// Running tells that a sink task has recovered: what the restored checkpoint owns is
// committed by now, and the rest of older attempts is removed.
func (x *Transactions) Running(task string, a stream.Attempt) (out []string) {
	if a != x.attempt {
		return nil
	}
	kept := x.open[task][:0]
	for _, t := range x.open[task] {
		switch {
		case t.attempt == a:
			kept = append(kept, t)
		case t.id <= x.restores:
			out = append(out, fmt.Sprintf("%s has recovered, but %s of checkpoint %d is not committed, which checkpoint %d owns", task, t.token, t.id, x.restores))
		}
	}
	if len(x.open[task]) > 0 {
		x.open[task] = kept
	}
	return out
}

// Finished tells that the job is done: nothing may be open.
func (x *Transactions) Finished() (out []string) {
	for _, task := range x.order {
		for _, t := range x.open[task] {
			out = append(out, fmt.Sprintf("%s pre-committed %s of checkpoint %d, which is neither committed nor removed", task, t.token, t.id))
		}
	}
	return out
}
