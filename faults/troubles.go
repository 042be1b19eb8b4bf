package faults

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile is a family of faults that a run has beside its crashes.
type Profile string

// The profiles.
const (
	Calm         Profile = "calm"          // none
	FlakyNetwork Profile = "flaky network" // messages lost, late, twice; connections reset
	SlowChannel  Profile = "slow channel"  // stalls, and links slow for a while
	CrashLoop    Profile = "crash loop"    // with late messages
	SplitBrain   Profile = "split brain"   // partitions
	LongPauses   Profile = "long pauses"   // and slow processors
	WrongClocks  Profile = "wrong clocks"
	BadDisk      Profile = "bad disk" // errors, no space, short and wrong reads, slow
	Everything   Profile = "everything"
)

// Profiles are all profiles; WithTroubles draws each as often as it stands here.
var Profiles = []Profile{Calm, Calm, FlakyNetwork, SlowChannel, CrashLoop, SplitBrain, LongPauses, WrongClocks, BadDisk, Everything}

// kinds are the faults of a profile, a crash loop as a crash.
func (p Profile) kinds() []Kind {
	switch p {
	case FlakyNetwork:
		return []Kind{Lose, Delay, Duplicate, Reset}
	case SlowChannel:
		return []Kind{Stall, SlowLink}
	case CrashLoop:
		return []Kind{ProcessCrash, MachineCrash}
	case SplitBrain:
		return []Kind{Partition}
	case LongPauses:
		return []Kind{Pause, SlowCPU}
	case WrongClocks:
		return []Kind{Skew, Jump}
	case BadDisk:
		return diskKinds
	case Everything:
		all := []Kind{Lose, Delay, Duplicate, Reset, Stall, SlowLink, ProcessCrash, MachineCrash, Partition, Pause, SlowCPU, Skew, Jump}
		return append(all, diskKinds...)
	}
	return nil
}

// WithTroubles is a plan with faults of a drawn profile added: none, one to three, or of
// everything four to eight. All that lasts is over after two seconds at most.
func WithTroubles(c Chance, s Shape, p Plan) Plan {
	profile := Profiles[c("profile", len(Profiles))]
	kinds := profile.kinds()
	if len(kinds) == 0 {
		return p
	}
	n := 1 + c("trouble/more", 3)
	if profile == Everything {
		n = 4 + c("trouble/many", 5)
	}
	for i := range n {
		where, kinds := fmt.Sprintf("trouble%d", i), p.more(kinds)
		f := trouble(c, s, where, kinds[c(where+"/kind", len(kinds))])
		f.Name = fmt.Sprintf("f%d", len(p)+1)
		p = append(p, f)
		if profile == CrashLoop && f.Target != s.JobManager {
			p = append(p, lastWords(s, f, fmt.Sprintf("f%d", len(p)+1)))
		}
	}
	return p
}

// lastWords makes some messages of a process that crashes again and again come after its
// successor's.
func lastWords(s Shape, loop Fault, name string) Fault {
	return Fault{
		Name: name, Kind: Delay, When: loop.When, Target: loop.Target + "->" + s.JobManager, Chance: 40,
		For: min(time.Duration(loop.Times)*(loop.For+loop.Up), 2*time.Second), By: loop.For + loop.Up,
	}
}

// more is the kinds of which the plan may have one more: with damage, or a second flipped
// bit, what is whole could read as damaged twice.
func (p Plan) more(kinds []Kind) []Kind {
	if !slices.ContainsFunc(p, func(f Fault) bool { return f.Kind == ReadFlip || f.Kind.Damages() }) {
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k == ReadFlip })
}

// trouble draws a fault of a kind.
func trouble(c Chance, s Shape, where string, k Kind) Fault {
	f := Fault{Kind: k, When: after(moments[c(where+"/on", len(moments))], 1+c(where+"/nth", 8), c(where+"/changes", 12))}
	nodes := append([]string{s.JobManager}, s.Workers...)
	at := c(where+"/target", len(nodes))
	f.Target = nodes[at]
	lasts := []time.Duration{20, 100, 500, 2000}[c(where+"/for", 4)] * time.Millisecond
	switch k {
	case ProcessCrash, MachineCrash:
		f.Times, f.For, f.Up = 2+c(where+"/times", 4), lasts/4, time.Duration(1+c(where+"/up", 8))*10*time.Millisecond
	case Pause:
		f.For = lasts
	case SlowCPU:
		f.For, f.Percent = lasts, 200<<c(where+"/by", 4)
	case Skew, Jump:
		f.By = []time.Duration{-time.Hour, -time.Second, -time.Millisecond, time.Millisecond, time.Second, time.Hour}[c(where+"/by", 6)]
	case IOError, NoSpace, ShortRead, SyncError, SlowDisk, ReadFlip:
		f.diskTrouble(c, where, lasts)
	default:
		rest := append(append([]string(nil), nodes[:at]...), nodes[at+1:]...)
		other := c(where+"/other", len(rest)+1)
		to := strings.Join(rest, ",") // all of them
		if other < len(rest) {
			to = rest[other]
		}
		f.Target += []string{"->", "|"}[c(where+"/both", 2)] + to
		f.For = lasts
		f.of(c, where, rest[other%len(rest)])
	}
	return f
}

// of sets what is of the kind in a fault of links.
func (f *Fault) of(c Chance, where, other string) {
	switch f.Kind {
	case Reset:
		f.For = 0
	case SlowLink:
		from, _, _ := strings.Cut(strings.ReplaceAll(f.Target, "|", "->"), "->")
		f.Target, f.Percent = from+"->"+other, 200<<c(where+"/by", 4)
	case Delay:
		f.By = []time.Duration{1, 10, 100}[c(where+"/by", 3)] * time.Millisecond
		fallthrough
	case Lose, Duplicate:
		f.Chance = []int{2, 10, 40, 100}[c(where+"/chance", 4)]
	}
}
