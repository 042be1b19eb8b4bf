package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirstream/weir/sim/trace"
)

// keep records a failing run again, so that it can be replayed, and says how. What
// can't be saved, as on a full disk, costs neither the verdict nor the command that
// makes the run again: the report says so, and the error why.
func (r *run) keep(rep *Report) error {
	if r.o.Failures == "" {
		return nil
	}
	rep.Again = []string{r.command()}
	err := r.save(rep)
	if err != nil {
		rep.NotSaved = err.Error()
	}
	return err
}

// save writes trace and picture. The trace is worth more, and comes first.
func (r *run) save(rep *Report) error {
	if err := os.MkdirAll(r.o.Failures, 0o755); err != nil {
		return err
	}
	path := filepath.Join(r.o.Failures, failureName(r.scenario, r.mode, r.o.Seed))
	rec := &recording{path: path, header: r.header()}
	again, _, err := r.execute(rec.observe)
	if err != nil {
		rec.abort()
		return err
	}
	rep.Replay = "agreed, hash " + again.TraceHash
	if again.TraceHash != rep.TraceHash {
		rep.Replay = "gave another hash, " + again.TraceHash
		rep.differs(again)
	}
	if err := rec.writer.Close(again.Verdict); err != nil {
		return err
	}
	rep.Saved = path
	if err := r.trail(rep, path); err != nil {
		return err
	}
	if rep.History == "" && rep.picture != nil {
		to := strings.TrimSuffix(path, ".trace") + ".html"
		if err := rep.picture.write(to); err != nil {
			return err
		}
		rep.History = to
	}
	return nil
}

// trail reads from the saved trace what led to the failure.
func (r *run) trail(rep *Report, path string) error {
	t, err := trace.Open(path)
	if err != nil {
		return err
	}
	if rep.Verdict == Nondeterministic {
		if err := r.part(rep, t); err != nil {
			return err
		}
	}
	rep.Again = append(rep.Again, fmt.Sprintf("simrun replay %s --around %d", path, rep.Violations[0].Event),
		fmt.Sprintf("simrun replay %s --html %s", path, strings.TrimSuffix(path, ".trace")+"-run.html"))
	if rep.Verdict == Fail && r.origin == nil {
		rep.Again = append(rep.Again, "simrun shrink "+path)
	}
	rep.Causes, err = causes(t, rep.Violations[0].Event)
	return err
}
