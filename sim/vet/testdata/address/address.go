// Package address prints addresses.
package address

import (
	"fmt"
	"unsafe"

	"github.com/weirstream/weir/engine"
)

type node struct {
	name string
	next *node
}

type named struct{ name *string }

func (n named) String() string { return *n.name }

func job(s engine.Stream[*node]) {
	engine.Map(s, "verb", func(n *node) string {
		return fmt.Sprintf("%s %p", n.name, n) // want `address: prints the address of n, by %p in the function of Map "verb": an address differs each time`
	})
	engine.Map(s, "inner", func(n *node) string {
		return fmt.Sprint(n) // want `address: prints an address: fmt\.Sprint of n, which is a \*node`
	})
	engine.Map(s, "value", func(n *node) string {
		return fmt.Sprintf("%d: %v", 1, &n.name) // want `prints an address: fmt\.Sprintf of &n\.name`
	})
	engine.Map(s, "number", func(n *node) uint64 {
		return uint64(uintptr(unsafe.Pointer(n))) // want `makes a number of an address`
	})
	engine.Map(s, "fine", func(n *node) string {
		name := n.name
		return fmt.Sprintf("%T %*d %q %v %v", n, 5, len(name), name, &struct{ a, b int }{1, 2}, named{&name})
	})
}
