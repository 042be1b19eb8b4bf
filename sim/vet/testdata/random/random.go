// Package random draws.
package random

import (
	crand "crypto/rand"
	"hash/fnv"
	"hash/maphash"
	"math/big"
	old "math/rand"
	"math/rand/v2"

	"github.com/weirstream/weir/engine"
)

func job(s engine.Stream[string]) {
	engine.Filter(s, "sample", func(string) bool {
		return rand.IntN(10) == 0 // want `random: uses math/rand/v2\.IntN in the function of Filter "sample": a replay draws other values; use a rand\.Rand seeded from the record`
	})
	engine.Map(s, "shuffle", func(v string) string {
		b := []byte(v)
		old.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] }) // want `uses math/rand\.Shuffle`
		return string(b)
	})
	engine.Map(s, "bytes", func(v string) string {
		b := make([]byte, 8)
		_, _ = crand.Read(b)                             // want `uses crypto/rand\.Read`
		n, _ := crand.Int(crand.Reader, big.NewInt(100)) // want `uses crypto/rand\.Int ` `uses crypto/rand\.Reader`
		return v + string(b) + n.String()
	})
	seed := maphash.MakeSeed() // want `uses hash/maphash\.MakeSeed in function job of a job`
	engine.Map(s, "hash", func(v string) uint64 {
		var h maphash.Hash
		h.SetSeed(seed)  // want `uses \(hash/maphash\.Hash\)\.SetSeed`
		h.WriteString(v) // want `uses \(hash/maphash\.Hash\)\.WriteString`
		return h.Sum64() // want `uses \(hash/maphash\.Hash\)\.Sum64`
	})

	// A source that the record seeds draws the same for it each time.
	engine.Filter(s, "fine", func(v string) bool {
		h := fnv.New64a()
		h.Write([]byte(v))
		return rand.New(rand.NewPCG(h.Sum64(), 1)).IntN(10) == 0 && old.New(old.NewSource(int64(h.Sum64()))).Intn(10) == 0
	})

	// One that is kept goes on, and no checkpoint knows how far.
	kept := rand.New(rand.NewPCG(1, 2))
	engine.Filter(s, "kept", func(string) bool {
		return kept.IntN(10) == 0 // want `captured: changes kept in the function of Filter "kept": it is in no checkpoint`
	})
}
