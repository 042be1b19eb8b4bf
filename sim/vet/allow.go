package vet

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const allowed = "//weir:allow"

// excuse is one comment.
type excuse struct {
	pos    token.Pos
	reason string
	used   bool
}

// excuses are the comments of a package, by the file and line that they excuse.
type excuses map[line]*excuse

type line struct {
	file string
	line int
}

func newExcuses(pass *analysis.Pass) excuses {
	all := excuses{}
	for _, f := range pass.Files {
		code := map[int]bool{} // lines on which something else begins or ends
		ast.Inspect(f, func(n ast.Node) bool {
			switch n.(type) {
			case nil, *ast.File, *ast.Comment, *ast.CommentGroup:
			default:
				code[pass.Fset.Position(n.Pos()).Line] = true
				code[pass.Fset.Position(n.End()-1).Line] = true
			}
			return true
		})
		for _, g := range f.Comments {
			for _, c := range g.List {
				rest, ok := strings.CutPrefix(c.Text, allowed)
				if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
					continue
				}
				p := pass.Fset.Position(c.Pos())
				at := line{p.Filename, p.Line}
				if !code[at.line] {
					at.line++
				}
				all[at] = &excuse{pos: c.Pos(), reason: strings.TrimSpace(rest)}
			}
		}
	}
	return all
}

func (e excuses) at(pass *analysis.Pass, pos token.Pos) *excuse {
	p := pass.Fset.Position(pos)
	return e[line{p.Filename, p.Line}]
}

// covers reports whether what is found at a place is excused.
func (e excuses) covers(pass *analysis.Pass, pos token.Pos) bool {
	x := e.at(pass, pos)
	if x == nil || x.reason == "" {
		return false
	}
	x.used = true
	return true
}

// apply reports what is not excused, and excuses that are none.
func (e excuses) apply(in *inspector, list []analysis.Diagnostic) {
	byPlace := func(a, b analysis.Diagnostic) int { return int(a.Pos - b.Pos) }
	slices.SortStableFunc(list, byPlace)
	for _, d := range list {
		if e.covers(in.pass, d.Pos) {
			in.seen.Allowed = append(in.seen.Allowed, Excused{d, e.at(in.pass, d.Pos).reason})
			continue
		}
		in.pass.Report(d)
	}
	var rest []analysis.Diagnostic
	for _, x := range e { // unordered: sorted below
		text := ""
		switch {
		case x.reason == "":
			text = "allow: gives no reason; write " + allowed + " and why"
		case !x.used:
			text = "allow: excuses nothing on its line; take it away"
		default:
			continue
		}
		rest = append(rest, analysis.Diagnostic{Pos: x.pos, Category: string(Allow), Message: text})
	}
	slices.SortFunc(rest, byPlace)
	for _, d := range rest {
		in.pass.Report(d)
	}
}
