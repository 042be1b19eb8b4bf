package faults

import (
	"fmt"
	"time"
)

// The kinds of damage to a checkpoint that has completed. Its Target is one of the
// constants below; which file is drawn when it happens.
const (
	// BitFlip changes one bit of one file.
	BitFlip Kind = "bit-flip"
	// TruncatedFile cuts a file short, perhaps to nothing.
	TruncatedFile Kind = "truncated-file"
	// LostFile removes a file, or all of the checkpoint.
	LostFile Kind = "lost-file"
)

// Which checkpoint is damaged: of those that are complete at that moment, the newest
// or the one before.
const (
	Newest   = "newest"
	Previous = "newest-1"
)

// Damages reports whether faults of this kind damage a checkpoint.
func (k Kind) Damages() bool { return k == BitFlip || k == TruncatedFile || k == LostFile }

// Whole is the File of a lost-file that takes all of a checkpoint's directory.
const Whole = "."

// damageMoments are the engine events after which a checkpoint is damaged; those that
// stand there twice are drawn as often.
var damageMoments = []string{
	"completed", "completed", "completed", "committed", "sealing", "checkpoint triggered", "restarting", "epoch started",
}

// WithDamage is a plan with one to three faults added that damage a checkpoint, each
// with a crash after it, so that a recovery has to read what is there: at once, or so
// late that a newer checkpoint may have completed. Some plans damage one as it is being
// restored. The first two added are essential, but for plans that spare the newest.
func WithDamage(c Chance, s Shape, p Plan) Plan {
	add := func(f Fault) {
		f.Name = fmt.Sprintf("f%d", len(p)+1)
		p = append(p, f)
	}
	spared := c("damage/spared", 5) < 2 // no newest one: the job must not notice
	for i := range 1 + c("damage/more", 3) {
		where := fmt.Sprintf("damage%d", i)
		when := after(damageMoments[c(where+"/on", len(damageMoments))], 1+c(where+"/nth", 5), c(where+"/changes", 8))
		if i == 0 {
			when.On, when.Nth = "completed", when.Nth+1
		}
		f := Fault{
			Kind: []Kind{BitFlip, TruncatedFile, LostFile}[c(where+"/kind", 3)], Target: Newest,
			When: when, Essential: i == 0,
		}
		if previous := c(where+"/target", 4) == 0; previous || spared {
			f.Target = Previous
		}
		if f.Target == Previous {
			f.Essential = false // there may be one checkpoint only
		}
		add(f)
		then := when
		then.Changes += c(where+"/then", 6)
		if c(where+"/later", 4) == 0 {
			then = after("completed", when.Nth+1, c(where+"/then later", 6))
		}
		crash := crash(c, s, where+"/crash", then, f.Essential)
		crash.For = time.Duration(1+c(where+"/away", 8)) * 25 * time.Millisecond
		add(crash)
	}
	if !spared && c("damage/late", 3) == 0 { // recovery has read it, the tasks have not
		when := after("deploying", 2+c("damage/late/nth", 3), c("damage/late/changes", 3))
		add(Fault{Kind: []Kind{BitFlip, TruncatedFile, LostFile}[c("damage/late/kind", 3)], Target: Newest, When: when})
	}
	return p
}
