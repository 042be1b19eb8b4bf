// Package outside looks at the world and at the process.
package outside

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/weirstream/weir/engine"
)

func job(s engine.Stream[string]) {
	region := os.Getenv("REGION") // want `outside: uses os\.Getenv in function job of a job: it may have changed`
	engine.Map(s, "region", func(v string) string { return region + v })
	engine.Map(s, "file", func(v string) string {
		data, err := os.ReadFile(v) // want `outside: uses os\.ReadFile in the function of Map "file"`
		if errors.Is(err, os.ErrNotExist) || os.IsPermission(err) {
			return ""
		}
		f, _ := os.Open(v)           // want `uses os\.Open`
		defer f.Close()              // want `uses \(os\.File\)\.Close`
		names, _ := filepath.Glob(v) // want `uses path/filepath\.Glob`
		return string(data) + filepath.Join(names...)
	})
	engine.Map(s, "network", func(v string) string {
		c, _ := net.Dial("tcp", v) // want `uses net\.Dial`
		c.Close()                  // want `uses \(net\.Conn\)\.Close`
		http.Get(v)                // want `uses net/http\.Get`
		exec.Command(v).Run()      // want `uses os/exec\.Command` `uses \(os/exec\.Cmd\)\.Run`
		return v
	})
	engine.Map(s, "machine", func(v string) int {
		return runtime.NumGoroutine() + runtime.GOMAXPROCS(0) // want `machine: uses runtime\.NumGoroutine` `machine: uses runtime\.GOMAXPROCS`
	})
	engine.Map(s, "fine", func(v string) string { return net.ParseIP(v).String() + http.StatusText(200) + runtime.GOOS })
}

// elsewhere is no part of a job.
func elsewhere() { os.Setenv("REGION", "here") }
