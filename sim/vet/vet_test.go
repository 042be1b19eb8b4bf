package vet

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be the tool of go vet.
func TestMain(m *testing.M) {
	if IsTool(os.Args[1:]) {
		Tool()
	}
	os.Exit(m.Run())
}

var (
	want    = regexp.MustCompile("// want(\\+[0-9]+)? (`.*`)$")
	pattern = regexp.MustCompile("`([^`]*)`")
)

// wanted are the findings that comments in the files of testdata ask for, by file and
// line.
func wanted(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	require.NoError(t, filepath.WalkDir("testdata", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		rel, err := filepath.Rel("testdata", name)
		n := 0
		for lines := bufio.NewScanner(f); lines.Scan(); {
			n++
			m := want.FindStringSubmatch(lines.Text())
			if m == nil {
				continue
			}
			ahead, _ := strconv.Atoi(m[1])
			for _, p := range pattern.FindAllStringSubmatch(m[2], -1) {
				at := fmt.Sprintf("%s:%d", rel, n+ahead)
				all[at] = append(all[at], p[1])
			}
		}
		return err
	}))
	return all
}

// match requires that findings be those that are wanted, each once.
func match(t *testing.T, findings []Finding, all map[string][]string) {
	t.Helper()
	for _, f := range findings {
		at := fmt.Sprintf("%s:%d", f.File, f.Line)
		found := false
		for i, p := range all[at] {
			if regexp.MustCompile(p).MatchString(f.Message) {
				all[at] = append(all[at][:i:i], all[at][i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("not wanted: %s", f)
		}
	}
	for at, patterns := range all { // unordered: each by itself
		for _, p := range patterns {
			t.Errorf("not found: %s: %s", at, p)
		}
	}
}

// TestRules: each rule finds what it should, and nothing else, in testdata.
func TestRules(t *testing.T) {
	r, err := Run("testdata", []string{"./..."})
	require.NoError(t, err)
	all := wanted(t)
	require.Greater(t, len(all), 80, "testdata wants nothing")
	match(t, r.Findings, all)
}
