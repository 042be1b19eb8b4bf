package faults

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Form is how faults of some kinds are written, and what they do.
type Form struct {
	// Verb is the first word of what happens.
	Verb string `json:"verb"`
	// Syntax is the verb with what follows it: NODE, UID, FROM->TO, LINKS, CALL, GLOB, D
	// for a duration, P and N for whole numbers.
	Syntax string `json:"syntax"`
	Doc    string `json:"doc"`
	// Kinds are those that it writes.
	Kinds []Kind `json:"kinds"`

	target target
	word   bool     // the first of how is a word: that of words, one for each kind
	words  []string // with Kinds
	needs  []string // options that must be there
	allows []string // options that may
	lasts  bool     // for= or a window must say when it is over
	mend   bool     // for= or a window may
	chance bool     // "with P%" may follow
}

// target is what the word behind the verb names.
type target uint8

const (
	node       target = iota
	operator          // or one link, for slow
	links             // see Fault.Ways
	checkpoint        // Newest or Previous
	disks             // a node, or All
)

// Forms are how faults are written, in the order in which they are listed.
func Forms() []Form { return slices.Clone(forms) }

// Kinds are all kinds of fault, in the order of their forms.
func Kinds() []Kind {
	var all []Kind
	for _, f := range forms {
		for _, k := range f.Kinds {
			if !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
	}
	return all
}

var forms = []Form{
	{Verb: "crash", Syntax: "crash NODE  process|machine for=D", Kinds: []Kind{ProcessCrash, MachineCrash},
		Doc:  "the process ends at once and comes back after D; with its machine, what was not synced is lost",
		word: true, words: []string{"process", "machine"}, needs: []string{"for"}},
	{Verb: "crash-loop", Syntax: "crash-loop NODE  process|machine for=D times=N up=D", Kinds: []Kind{ProcessCrash, MachineCrash},
		Doc:  "as crash, N times, at least 2; between two crashes the process is there for up=D",
		word: true, words: []string{"process", "machine"}, needs: []string{"for", "times", "up"}},
	{Verb: "pause", Syntax: "pause NODE  for=D", Kinds: []Kind{Pause}, lasts: true,
		Doc: "nothing of the process runs, as after SIGSTOP; messages and timers wait, clocks go on"},
	{Verb: "slow-cpu", Syntax: "slow-cpu NODE  by=P% for=D", Kinds: []Kind{SlowCPU}, lasts: true, needs: []string{"by%"},
		Doc: "all that the process does takes P percent of its time"},
	{Verb: "slow", Syntax: "slow FROM->TO|UID  by=P% [for=D]", Kinds: []Kind{SlowLink, SlowOperator}, target: operator, mend: true, needs: []string{"by%"},
		Doc: "a link, or an operator per record, takes P percent of its time; an operator from the start and for ever"},
	{Verb: "stall", Syntax: "stall LINKS  for=D", Kinds: []Kind{Stall}, target: links, lasts: true,
		Doc: "what is sent on the links arrives when the stall is over"},
	{Verb: "partition", Syntax: "partition LINKS  for=D", Kinds: []Kind{Partition}, target: links, lasts: true,
		Doc: "messages sent on the links are lost; what wires carry arrives when the partition is over"},
	{Verb: "reset", Syntax: "reset LINKS", Kinds: []Kind{Reset}, target: links,
		Doc: "the wires of the links go down, in both directions; the processes live on"},
	{Verb: "lose", Syntax: "lose LINKS  for=D [with P%]", Kinds: []Kind{Lose}, target: links, lasts: true, chance: true,
		Doc: "messages sent on the links are lost"},
	{Verb: "delay", Syntax: "delay LINKS  by=D for=D [with P%]", Kinds: []Kind{Delay}, target: links, lasts: true, chance: true, needs: []string{"by"},
		Doc: "messages sent on the links are late by D, so that others overtake them"},
	{Verb: "duplicate", Syntax: "duplicate LINKS  for=D [with P%]", Kinds: []Kind{Duplicate}, target: links, lasts: true, chance: true,
		Doc: "messages sent on the links arrive twice, the second time by itself"},
	{Verb: "skew", Syntax: "skew NODE  by=D", Kinds: []Kind{Skew}, needs: []string{"by±"},
		Doc: "the node's wall clock is ahead by D from then on; D may be negative"},
	{Verb: "jump", Syntax: "jump NODE  by=D", Kinds: []Kind{Jump}, needs: []string{"by±"},
		Doc: "the node's wall clock jumps forward by D, or back if D is negative"},
	{Verb: "damage", Syntax: "damage newest|newest-1  bit-flip|truncated-file|lost-file [file=NAME]", Kinds: []Kind{BitFlip, TruncatedFile, LostFile},
		Doc:    "a file of a completed checkpoint, drawn unless named, is damaged, cut short or lost; file=. is all of the checkpoint",
		target: checkpoint, word: true, words: []string{"bit-flip", "truncated-file", "lost-file"}, allows: []string{"file"}},
	{Verb: "io-error", Syntax: "io-error NODE|all  [call=CALL] [file=GLOB] [applied] [times=N] [for=D] [with P%]", Kinds: []Kind{IOError},
		Doc:    "file-system calls fail, N of them or all for D, else one; if applied, after they took effect",
		target: disks, mend: true, chance: true, allows: []string{"call", "file", "applied", "times"}},
	{Verb: "no-space", Syntax: "no-space NODE|all  [room=BYTES] for=D", Kinds: []Kind{NoSpace},
		Doc:    "the disk is full for what the node, or all, write: but for BYTES nothing fits, and no file can be made",
		target: disks, lasts: true, allows: []string{"room"}},
	{Verb: "short-read", Syntax: "short-read NODE|all  [file=GLOB] [times=N] [for=D] [with P%]", Kinds: []Kind{ShortRead},
		Doc:    "reads return a part of what was asked for, and no error; N of them or all for D, else one",
		target: disks, mend: true, chance: true, allows: []string{"file", "times"}},
	{Verb: "sync-error", Syntax: "sync-error NODE|all  [file=GLOB] [times=N] [for=D] [with P%]", Kinds: []Kind{SyncError},
		Doc:    "syncs of files fail, N of them or all for D, else one; what they were to write no later sync writes",
		target: disks, mend: true, chance: true, allows: []string{"file", "times"}},
	{Verb: "slow-disk", Syntax: "slow-disk NODE|all  [call=CALL] by=P%|stall=D [times=N] [for=D]", Kinds: []Kind{SlowDisk},
		Doc:    "file-system calls take P percent of their time, or D longer; N of each node or all for D, else one",
		target: disks, mend: true, allows: []string{"call", "by%", "stall", "times"}},
	{Verb: "read-flip", Syntax: "read-flip NODE|all  [file=GLOB]", Kinds: []Kind{ReadFlip},
		Doc:    "one bit of what the next read returns is wrong, and right when it is read again",
		target: disks, allows: []string{"file"}},
}

// form is how a fault is written, nil if its kind is unknown.
func (f Fault) form() *Form {
	for i := range forms {
		if g := &forms[i]; slices.Contains(g.Kinds, f.Kind) && (g.Verb != "crash" || f.Times < 2) {
			return g
		}
	}
	return nil
}

// Lasts is how long the fault lasts once it has happened, 0 for ever or not at all.
func (f Fault) Lasts() time.Duration {
	if f.When.Until > 0 {
		return f.When.Until - f.When.At
	}
	return f.For
}

// Crashes reports whether faults of this kind end a process.
func (k Kind) Crashes() bool { return k == ProcessCrash || k == MachineCrash }

// Ways are the links of a target, from and to: "a,b->c" is one way, "a|b,c" both.
// The second result is false if the text is neither, or names a node twice.
func Ways(target string) ([][2]string, bool) {
	left, right, oneWay := strings.Cut(target, "->")
	if !oneWay {
		var both bool
		if left, right, both = strings.Cut(target, "|"); !both {
			return nil, false
		}
	}
	from, to := strings.Split(left, ","), strings.Split(right, ",")
	var ways [][2]string
	for i, a := range append(slices.Clone(from), to...) {
		if a == "" || strings.ContainsAny(a, "|>") || slices.Contains(append(slices.Clone(from), to...)[:i], a) {
			return nil, false
		}
	}
	for _, a := range from {
		for _, b := range to {
			ways = append(ways, [2]string{a, b})
			if !oneWay {
				ways = append(ways, [2]string{b, a})
			}
		}
	}
	return ways, true
}

// Ways are the links that the fault is about, from and to; nil if it is about none.
func (f Fault) Ways() [][2]string {
	if g := f.form(); g == nil || g.target != links && f.Kind != SlowLink {
		return nil
	}
	ways, _ := Ways(f.Target)
	return ways
}

func (f Fault) String() string {
	g := f.form()
	if g == nil {
		return fmt.Sprintf("%s  %s  unknown %q", f.Name, f.When, f.Kind)
	}
	s := f.Name
	if f.Essential {
		s += "!"
	}
	what := quoted(f.Target)
	if f.Kind == SlowOperator && strings.Contains(what, "->") && what == f.Target {
		what = fmt.Sprintf("%q", what)
	}
	s += fmt.Sprintf("  %s  %s %s", f.When, g.Verb, what)
	if how := f.how(g); how != "" {
		s += "  " + how
	}
	return s
}

// how is what follows the target.
func (f Fault) how(g *Form) string {
	var all []string
	if g.word {
		all = append(all, g.words[slices.Index(g.Kinds, f.Kind)])
	}
	if f.Call != "" {
		all = append(all, "call="+quoted(f.Call))
	}
	if g.target == disks {
		all = append(all, f.ofDisk()...)
	}
	if f.Percent != 0 {
		all = append(all, fmt.Sprintf("by=%d%%", f.Percent))
	}
	if f.By != 0 {
		all = append(all, map[bool]string{true: "stall=", false: "by="}[f.Kind == SlowDisk]+f.By.String())
	}
	if f.For != 0 {
		all = append(all, "for="+f.For.String())
	}
	if f.Times > 1 && f.Up > 0 {
		all = append(all, fmt.Sprintf("times=%d up=%s", f.Times, f.Up))
	}
	if f.File != "" && g.target != disks {
		all = append(all, "file="+quoted(f.File))
	}
	if f.Chance != 0 {
		all = append(all, fmt.Sprintf("with %d%%", f.Chance))
	}
	return strings.Join(all, " ")
}

// ofDisk is what only failures of the disk have.
func (f Fault) ofDisk() (all []string) {
	if f.File != "" {
		all = append(all, "file="+quoted(f.File))
	}
	if f.Applied {
		all = append(all, "applied")
	}
	if f.Room > 0 {
		all = append(all, fmt.Sprintf("room=%d", f.Room))
	}
	if f.Times > 0 {
		all = append(all, fmt.Sprintf("times=%d", f.Times))
	}
	return all
}
