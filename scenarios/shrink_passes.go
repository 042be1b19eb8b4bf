package scenarios

import (
	"cmp"
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/shrink"
)

// casePasses make a case smaller, in this order: what makes all that follows cheaper
// comes first.
func casePasses() []shrink.Pass[*Case] {
	return []shrink.Pass[*Case]{
		shrink.Simpler("all plain", allPlain),
		shrink.List("faults", func(c *Case) int { return len(c.Plan) }, withoutFaults),
		shrink.Simpler("fault by fault", simplerFaults),
		shrink.Simpler("few records", fewRecords),
		shrink.List("records", func(c *Case) int { return len(c.Records) }, withoutRecords),
		shrink.List("records, slower", func(c *Case) int { return len(c.Records) }, withoutRecordsSlower),
		shrink.List("words", wordCount, withoutWords),
		shrink.List("words, slower", wordCount, withoutWordsSlower),
		shrink.Simpler("workers", fewerWorkers),
		shrink.Simpler("parallelism", lessParallel),
		shrink.List("settings", func(c *Case) int { return len(c.Set) }, withoutSettings),
		shrink.Simpler("hardware", plainerWorld),
		shrink.Simpler("schedule", plainSchedule),
		shrink.List("schedule by point", func(c *Case) int { return len(drawnPoints(c)) }, withoutPoints),
		shrink.List("schedule by draw", func(c *Case) int { return len(c.Draws) }, withoutDraws),
	}
}

// key is the same for cases that are the same run.
func (c *Case) key() string {
	d := *c
	d.Comment, d.Draws, d.Passes, d.Fails, d.Reaches = nil, nil, false, nil, nil
	h := xxhash.New()
	var n [16]byte
	for i := range c.Draws {
		w := &c.Draws[i]
		_, _ = h.WriteString(w.Point)
		_, _ = h.WriteString(w.Where)
		binary.LittleEndian.PutUint64(n[:8], w.N)
		binary.LittleEndian.PutUint64(n[8:], w.Value)
		_, _ = h.Write(n[:]) // never fails
	}
	return d.String() + strconv.FormatUint(h.Sum64(), 16)
}

// with is a copy of the case, changed.
func (c *Case) with(change func(d *Case)) *Case {
	d := c.clone()
	change(d)
	return d
}

// allPlain takes away at once all that may turn out not to matter.
func allPlain(c *Case) []*Case {
	plain := func(d *Case) { d.Plain, d.Draws = true, nil }
	hardware := func(d *Case) {
		cost := d.RecordCost // which has its meaning beside the number of records
		for i := range worldParts {
			if set := worldParts[i].plain; set != nil {
				set(&d.World)
			}
		}
		d.RecordCost = cost
	}
	return []*Case{
		c.with(func(d *Case) { plain(d); hardware(d); d.Set = keepSettings(d.Set) }),
		c.with(func(d *Case) { plain(d); hardware(d) }),
		c.with(plain),
	}
}

func withoutFaults(c *Case, from, to int) (*Case, bool) {
	return c.with(func(d *Case) { d.Plan = slices.Delete(d.Plan, from, to) }), true
}

// simplerFaults makes one fault what is easier to understand.
func simplerFaults(c *Case) []*Case {
	var all []*Case
	for i := range c.Plan {
		for _, simpler := range faultSteps {
			d := c.clone()
			simpler(&d.Plan[i])
			if d.Plan[i] != c.Plan[i] {
				all = append(all, d)
			}
		}
	}
	return all
}

var faultSteps = []func(f *faults.Fault){
	func(f *faults.Fault) { f.When.Changes, f.When.Nth = 0, min(f.When.Nth, 1) },
	func(f *faults.Fault) { f.When.Nth = min(f.When.Nth, 1) },
	func(f *faults.Fault) { f.When.Changes = 0 },
	func(f *faults.Fault) { f.When.Nth = (f.When.Nth + 1) / 2 },
	func(f *faults.Fault) { f.When.Changes /= 2 },
	func(f *faults.Fault) { f.When.Nth = max(f.When.Nth-1, min(f.When.Nth, 1)) },
	func(f *faults.Fault) { f.When.Changes = max(f.When.Changes-1, 0) },
	func(f *faults.Fault) { f.Essential = false },
	func(f *faults.Fault) { // an essential fault may have moved to there
		if f.Essential && f.Kind.Crashes() {
			f.Essential, f.Target = false, engine.JobManagerAddress().Node
		}
	},
	func(f *faults.Fault) {
		if f.Kind == faults.MachineCrash {
			f.Kind = faults.ProcessCrash
		}
	},
	func(f *faults.Fault) {
		if f.Times > 1 {
			f.Times, f.Up = 0, 0
		}
	},
	func(f *faults.Fault) { f.Chance = 0 },
	func(f *faults.Fault) { f.For = min(f.For, 25*time.Millisecond) },
	func(f *faults.Fault) { f.For = min(f.For, 100*time.Millisecond) },
	func(f *faults.Fault) { f.For = min(f.For, 400*time.Millisecond) },
	func(f *faults.Fault) { f.Percent = min(f.Percent, 200) },
	func(f *faults.Fault) { f.Percent = max(f.Percent/2, min(f.Percent, 200)) },
}

func withoutRecords(c *Case, from, to int) (*Case, bool) {
	if to-from == len(c.Records) { // no input is no case
		return nil, false
	}
	return c.with(func(d *Case) { d.Records = slices.Delete(d.Records, from, to) }), true
}

// slowest bounds the virtual time of one record in one operator.
const slowest = 100 * time.Millisecond

// withoutRecordsSlower leaves records out and makes the others so slow that they last as
// long: what must happen between two of them still may.
func withoutRecordsSlower(c *Case, from, to int) (*Case, bool) {
	d, ok := withoutRecords(c, from, to)
	if !ok {
		return nil, false
	}
	return d, d.slower(len(c.Records), len(d.Records))
}

// slower makes a record of a case take longer: as long as from of them did, to of them do.
// It reports false if that is too long.
func (c *Case) slower(from, to int) bool {
	c.RecordCost = c.RecordCost * time.Duration(from) / time.Duration(max(to, 1))
	if unit := time.Microsecond; c.RecordCost > 10*unit {
		c.RecordCost = c.RecordCost / unit * unit
	}
	return c.RecordCost <= slowest
}

// fewRecords keeps only some of many records, which last as long, or longer: runs of them
// are over soon, and the first that fails saves looking for it.
func fewRecords(c *Case) []*Case {
	var all []*Case
	n := len(c.Records)
	for _, few := range []int{1, 2, 4, 8, 16} {
		if 2*few > n {
			break
		}
		for _, longer := range []int{1, 8, 64} {
			for _, at := range []int{0, n - few} {
				d := c.with(func(d *Case) { d.Records = d.Records[at : at+few] })
				if d.slower(n*longer, few) {
					all = append(all, d, d.with(oneByOne))
				}
			}
		}
	}
	return all
}

// oneByOne makes records go through the job each for itself, so that something may
// happen between any two of them.
func oneByOne(c *Case) {
	for _, key := range []string{"weir.batch.records", "weir.task.quantum"} {
		c.Set = withSetting(c.Set, key, 1)
	}
}

// mostLines are so few records that their words are worth to be looked at.
const mostLines = 40

func wordCount(c *Case) int {
	n := 0
	if len(c.Records) <= mostLines {
		for _, r := range c.Records {
			n += len(strings.Fields(r))
		}
	}
	return n
}

// withoutWords leaves out words, counted over all records. A record stays, if empty.
func withoutWords(c *Case, from, to int) (*Case, bool) {
	d := c.clone()
	n := 0
	for i, r := range d.Records {
		words := strings.Fields(r)
		first, last := min(max(from-n, 0), len(words)), min(max(to-n, 0), len(words))
		n += len(words)
		if last > first {
			d.Records[i] = strings.Join(slices.Delete(words, first, last), " ")
		}
	}
	return d, true
}

// withoutWordsSlower makes those that are left so slow that they last as long.
func withoutWordsSlower(c *Case, from, to int) (*Case, bool) {
	d, _ := withoutWords(c, from, to)
	n := wordCount(c)
	return d, n > to-from && d.slower(n, n-to+from)
}

var workerName = regexp.MustCompile(`tm\d+`)

// fewerWorkers moves what happens to workers that are not there any more to the last.
func fewerWorkers(c *Case) []*Case {
	var all []*Case
	for _, n := range []int{1, c.Workers - 1} {
		if n < 1 || n >= c.Workers {
			continue
		}
		all = append(all, c.with(func(d *Case) {
			d.Workers, d.Plan = n, nil
			move := func(text string) string {
				return workerName.ReplaceAllStringFunc(text, func(name string) string {
					if i, err := strconv.Atoi(name[2:]); err == nil && i > n {
						return cluster.Worker(n - 1)
					}
					return name
				})
			}
			for _, f := range c.Plan {
				if f.Target = move(f.Target); f.When.Call == "" {
					f.When.Of = move(f.When.Of)
				}
				if _, ok := faults.Ways(f.Target); ok || len(f.Ways()) > 0 || !strings.ContainsAny(f.Target, "|>") {
					d.Plan = append(d.Plan, f) // no link leads from a node to itself
				}
			}
		}))
	}
	return all
}

// Keys of settings that have passes of their own.
const (
	parallelismKey = "parallelism.default"
	slotsKey       = "taskmanager.numberOfTaskSlots"
)

// keepSettings are those that are not left out with the others.
func keepSettings(set []string) []string {
	return slices.DeleteFunc(slices.Clone(set), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return key != parallelismKey && key != slotsKey
	})
}

func lessParallel(c *Case) []*Case {
	s, err := Find(c.Scenario)
	if err != nil {
		return nil
	}
	config, err := s.Config(c.Mode, c.Set)
	if err != nil {
		return nil
	}
	var all []*Case
	for _, p := range []int{1, 2, config.Parallelism - 1} {
		if p >= 1 && p < config.Parallelism {
			all = append(all, c.with(func(d *Case) {
				d.Set = withSetting(withSetting(d.Set, parallelismKey, p), slotsKey, p)
			}))
		}
	}
	return all
}

// withSetting replaces a setting, or adds it, by key.
func withSetting(set []string, key string, value int) []string {
	set = slices.DeleteFunc(slices.Clone(set), func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	set = append(set, key+"="+strconv.Itoa(value))
	slices.Sort(set)
	return set
}

func withoutSettings(c *Case, from, to int) (*Case, bool) {
	kept := append(slices.Clone(c.Set[:from]), keepSettings(c.Set[from:to])...)
	kept = append(kept, c.Set[to:]...)
	return c.with(func(d *Case) { d.Set = kept }), len(kept) < len(c.Set)
}

func plainerWorld(c *Case) []*Case {
	all := []*Case{c.clone()}
	for i := range worldParts {
		plain := worldParts[i].plain
		if plain == nil {
			continue
		}
		if d := c.with(func(d *Case) { plain(&d.World) }); d.World != c.World {
			if worldParts[i].key != "record-cost" { // which has its meaning beside the number of records
				plain(&all[0].World)
			}
			all = append(all, d)
		}
	}
	return all[min(1, len(all)-1):][:max(len(all)-1, 0)]
}

// mostDraws are so many that a schedule is not worth to be written down.
const mostDraws = 20_000

// plainSchedule makes all draws 0, or as a step to that writes down those that are not.
func plainSchedule(c *Case) []*Case {
	if c.Plain {
		return nil
	}
	all := []*Case{c.with(func(d *Case) { d.Plain, d.Draws = true, nil })}
	if draws, err := c.draws(); err == nil && len(draws) <= mostDraws {
		all = append(all, c.with(func(d *Case) { d.Plain, d.Draws = true, draws }))
	}
	return all
}

// drawLog is a recorder that keeps draws that are not 0.
type drawLog struct {
	world *cluster.World
	draws []Draw
}

// Record implements sim.Recorder.
func (l *drawLog) Record(r *sim.Record) {
	if r.Kind == sim.DrawKind && r.B != 0 && len(l.draws) <= mostDraws {
		l.draws = append(l.draws, Draw{sim.Draw{Point: l.world.Text(r.Peer), Where: l.world.Text(r.Actor), N: r.A}, r.B})
	}
}

// draws are the outcomes of the case's run that are not 0, by point.
func (c *Case) draws() ([]Draw, error) {
	r, err := c.prepare(RunOptions{})
	if err != nil {
		return nil, err
	}
	log := &drawLog{}
	r.world.hardware.Recorder = log
	r.created = func(w *cluster.World) { log.world = w }
	if _, _, err := r.execute(unobserved); err != nil {
		return nil, err
	}
	slices.SortStableFunc(log.draws, func(a, b Draw) int {
		return cmp.Or(cmp.Compare(a.Point, b.Point), cmp.Compare(a.Where, b.Where), cmp.Compare(a.N, b.N))
	})
	return log.draws, nil
}

func unobserved() (*cluster.Recorder, error) { return nil, nil }

// drawnPoints are where each point's draws begin.
func drawnPoints(c *Case) []int {
	var all []int
	for i, d := range c.Draws {
		if i == 0 || d.Point != c.Draws[i-1].Point || d.Where != c.Draws[i-1].Where {
			all = append(all, i)
		}
	}
	return all
}

func withoutPoints(c *Case, from, to int) (*Case, bool) {
	begins := append(drawnPoints(c), len(c.Draws))
	return withoutDraws(c, begins[from], begins[to])
}

func withoutDraws(c *Case, from, to int) (*Case, bool) {
	return c.with(func(d *Case) { d.Draws = slices.Delete(d.Draws, from, to) }), true
}
