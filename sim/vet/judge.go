package vet

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// diagnostic is a finding as it is reported.
func (in *inspector) diagnostic(f finding, r reached) analysis.Diagnostic {
	where := ""
	if r.label != "" {
		where = " in " + r.label
	}
	if len(r.via) > 0 {
		where += ", by way of " + strings.Join(r.via, ", ")
	}
	why := f.why
	if why == "" {
		why = advice[f.kind]
	}
	text := f.what + where + ": " + why
	return analysis.Diagnostic{Pos: f.pos, Category: string(f.kind), Message: string(f.kind) + ": " + text}
}

// kept is a write as a finding.
func (in *inspector) kept(w write, r reached) finding {
	why := "it is in no checkpoint, and after a restore starts anew; keep it in state, such as a ValueState"
	switch {
	case w.v == r.recv && r.keeps:
	case in.ofAttempt(w.v):
	default:
		why = "it outlives an attempt, is shared by tasks, and after a restore is not what it was; keep it in state, such as a ValueState"
	}
	return finding{w.pos, Captured, w.how, why}
}

// ofAttempt reports whether a variable is made afresh for each attempt: it is declared
// in a function that builds a job, or makes a function of an operator.
func (in *inspector) ofAttempt(v *types.Var) bool {
	if v.Parent() == nil || v.Pkg() != in.pass.Pkg || v.Parent() == in.pass.Pkg.Scope() {
		return false
	}
	return slices.ContainsFunc(in.roots, func(r reached) bool {
		return r.role == builds && v.Pos() >= r.node.Pos() && v.Pos() < r.node.End()
	})
}

// all that a unit does by itself, in the way that it was reached.
func (in *inspector) findings(r reached) []finding {
	all := slices.Clone(r.found)
	for _, w := range r.outer {
		all = append(all, in.kept(w, r))
	}
	for _, m := range r.methods {
		if m.to.writes && (m.v != r.recv && outsideOf(r.unit, m.v)) {
			all = append(all, in.kept(write{m.pos, m.v, m.how}, r))
		}
	}
	if !r.keeps {
		return all
	}
	for _, w := range r.fields {
		all = append(all, in.kept(w, r))
	}
	for _, m := range r.methods {
		if m.v == r.recv && m.to.writes && !r.follows(m.to) { // a part of the receiver
			all = append(all, in.kept(write{m.pos, m.v, m.how}, r))
		}
	}
	return all
}

// follows reports whether a method is called on the receiver itself, so that its own
// writes will be found.
func (r reached) follows(to *unit) bool {
	return slices.ContainsFunc(r.uses, func(u use) bool { return u.to == to && u.same })
}

// judge goes from where jobs begin to what they use, and reports.
func (in *inspector) judge() {
	queue := slices.Clone(in.roots)
	slices.SortStableFunc(queue, func(a, b reached) int { return int(a.role) - int(b.role) })
	type key struct {
		u     *unit
		keeps bool
	}
	seen := map[key]bool{}
	type place struct {
		pos  token.Pos
		kind Kind
	}
	said := map[place]bool{}
	var list []analysis.Diagnostic
	for i := 0; i < len(queue); i++ {
		r := queue[i]
		if seen[key{r.unit, r.keeps}] {
			continue
		}
		seen[key{r.unit, r.keeps}] = true
		for _, f := range in.findings(r) {
			if p := (place{f.pos, f.kind}); !said[p] {
				said[p] = true
				list = append(list, in.diagnostic(f, r))
			}
		}
		for _, u := range r.uses {
			next := reached{unit: u.to, role: r.role, label: r.label, via: append(slices.Clone(r.via), u.to.name), keeps: r.keeps && u.same}
			queue = append(queue, next)
		}
		queue = append(queue, r.flows...)
	}
	for _, u := range in.all { // also where no job of this package comes
		for _, f := range in.findings(reached{unit: u, keeps: true}) {
			in.excuse.covers(in.pass, f.pos)
		}
	}
	in.excuse.apply(in, list)
}

// export states the facts of the package's functions, for those that import it.
func (in *inspector) export() {
	impure := map[*unit]*Impure{}
	for changed := true; changed; {
		changed = false
		for _, u := range in.all {
			if impure[u] != nil {
				continue
			}
			if impure[u] = in.impure(u, impure); impure[u] != nil {
				changed = true
			}
		}
	}
	for _, u := range in.all {
		if u.obj != nil && impure[u] != nil {
			in.pass.ExportObjectFact(u.obj, impure[u])
		}
	}
}

func (in *inspector) impure(u *unit, known map[*unit]*Impure) *Impure {
	for _, f := range in.findings(reached{unit: u}) {
		if f.kind == Sync || in.excuse.covers(in.pass, f.pos) {
			continue // locks of a library are its own business
		}
		return &Impure{f.kind, fmt.Sprintf("%s (%s)", f.what, in.place(f.pos))}
	}
	for _, to := range u.uses {
		if k := known[to.to]; k != nil {
			return k
		}
	}
	return nil
}

func (in *inspector) place(pos token.Pos) string {
	p := in.pass.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line)
}
