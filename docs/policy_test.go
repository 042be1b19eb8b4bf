package docs

import (
	"fmt"
	"slices"
	"strings"
)

// policy is layers.txt, read.
//
//	a, b < c < d;   c may import a, b and what they may import; d may import c ...
//	NONE < a;       a imports nothing that this file governs
//	a !< b;         b must not import a, whatever the rules above come to say
//
// A name is a directory of this module, the path of another module, or a package
// of the standard library; of the latter only those named here are governed.
// "x/..." is x and every listed package below it, "..." every listed package.
// "x_test" is the test files of x, which may import what x may, and x.
type policy struct {
	known  []string            // listed names, in order of appearance, without patterns
	direct map[string][]string // importer → what rules name for it
	never  []ban
	all    map[string][]string // importer → everything it may import; filled on demand
}

// ban is one "!<" rule. Test files are not excepted.
type ban struct{ importer, imported string }

// rule is one statement of the text.
type rule struct {
	line  int
	never bool
	sides [][]string
}

func parsePolicy(text string) (*policy, error) {
	rules, err := parseRules(text)
	if err != nil {
		return nil, err
	}
	p := &policy{direct: map[string][]string{}, all: map[string][]string{}}
	for _, r := range rules {
		if !r.never {
			p.learn(r)
		}
	}
	for _, r := range rules {
		for i := 1; i < len(r.sides); i++ {
			if err := p.add(r, r.sides[i-1], r.sides[i]); err != nil {
				return nil, err
			}
		}
	}
	return p, p.cycle()
}

func parseRules(text string) ([]rule, error) {
	var rules []rule
	var statement strings.Builder
	start := 0
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for {
			before, after, done := strings.Cut(line, ";")
			if start == 0 && strings.TrimSpace(before) != "" {
				start = i + 1
			}
			statement.WriteString(before + " ")
			if !done {
				break
			}
			r, err := parseRule(statement.String(), start)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
			statement.Reset()
			line, start = after, 0
		}
	}
	if start != 0 {
		return nil, fmt.Errorf("layers.txt:%d: the rule does not end in ;", start)
	}
	return rules, nil
}

func parseRule(text string, line int) (rule, error) {
	r := rule{line: line, never: strings.Contains(text, "!<")}
	sides := strings.Split(strings.ReplaceAll(text, "!<", "<"), "<")
	if len(sides) < 2 || r.never && (len(sides) != 2 || strings.Count(text, "<") != 1) {
		return r, fmt.Errorf("layers.txt:%d: want a < b or a !< b", line)
	}
	for _, side := range sides {
		var names []string
		for name := range strings.SplitSeq(side, ",") {
			name = strings.TrimSpace(name)
			if name == "" || strings.ContainsAny(name, " \t") {
				return r, fmt.Errorf("layers.txt:%d: %q is not a name", line, name)
			}
			names = append(names, name)
		}
		r.sides = append(r.sides, names)
	}
	return r, nil
}

func (p *policy) learn(r rule) {
	for _, side := range r.sides {
		for _, name := range side {
			name = strings.TrimSuffix(name, "_test")
			if name != "NONE" && !strings.HasSuffix(name, "...") && !slices.Contains(p.known, name) {
				p.known = append(p.known, name)
			}
		}
	}
}

// expand returns the listed names that a name of the text stands for.
func (p *policy) expand(name string) []string {
	base, test := strings.CutSuffix(name, "_test")
	var list []string
	for _, k := range p.known {
		if !below(k, base) || strings.HasSuffix(base, "...") && governedBeyond(k) {
			continue
		}
		if test {
			k += "_test"
		}
		list = append(list, k)
	}
	return list
}

// governedBeyond tells names outside the module, which patterns leave out.
func governedBeyond(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".") || name == "testing"
}

func (p *policy) add(r rule, imported, importers []string) error {
	for _, b := range importers {
		bs := p.expand(b)
		if len(bs) == 0 {
			return fmt.Errorf("layers.txt:%d: %s matches nothing listed", r.line, b)
		}
		for _, a := range imported {
			as := p.expand(a)
			switch {
			case a == "NONE" && !r.never:
				as = nil
			case strings.HasSuffix(a, "_test"):
				return fmt.Errorf("layers.txt:%d: nothing can import test files", r.line)
			case len(as) == 0:
				return fmt.Errorf("layers.txt:%d: %s matches nothing listed", r.line, a)
			}
			for _, b := range bs {
				for _, a := range as {
					if r.never {
						p.never = append(p.never, ban{b, a})
					} else if a != b {
						p.direct[b] = append(p.direct[b], a)
					}
				}
			}
		}
	}
	return nil
}

// may lists what an importer may import.
func (p *policy) may(importer string) []string {
	if list, ok := p.all[importer]; ok {
		return list
	}
	var list []string
	from := slices.Clone(p.direct[importer])
	if base, ok := strings.CutSuffix(importer, "_test"); ok {
		from = append(from, base)
	}
	for _, a := range from {
		list = append(append(list, a), p.may(a)...)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	p.all[importer] = list
	return list
}

// cycle reports rules that let a package import itself by way of others: may
// would not end.
func (p *policy) cycle() error {
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case visiting:
			return fmt.Errorf("layers.txt: the rules let %s import itself by way of others", name)
		case done:
			return nil
		}
		state[name] = visiting
		for _, a := range p.direct[name] {
			if err := visit(a); err != nil {
				return err
			}
		}
		state[name] = done
		return nil
	}
	for _, name := range p.known {
		if err := visit(name); err != nil {
			return err
		}
	}
	return nil
}

// check returns why a file of pkg must not import path, or "". Both are relative
// to the module where they are in it; inside says whether path is.
func (p *policy) check(pkg string, test bool, path string, inside bool) string {
	switch {
	case path == pkg && inside: // a test of the package from outside
		return ""
	case !slices.Contains(p.known, pkg):
		return pkg + " is not in layers.txt: say there who may import it and what it may import"
	}
	target := path
	if !inside {
		if target = p.beyond(path); target == "" {
			return ""
		}
	}
	for _, b := range p.never {
		if b.importer == pkg && b.imported == target {
			return pkg + " must not import " + path
		}
	}
	importer := pkg
	if test {
		importer += "_test"
	}
	if !slices.Contains(p.may(importer), target) {
		return importer + " must not import " + path
	}
	return ""
}

// beyond finds the listed name that governs an import from outside the module: a
// package of another module always needs one, the standard library does not.
func (p *policy) beyond(path string) string {
	for _, k := range p.known {
		if governedBeyond(k) && below(path, k+"/...") {
			return k
		}
	}
	if governedBeyond(path) {
		return path
	}
	return ""
}
