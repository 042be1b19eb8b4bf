package bench

import (
	"sync"
	"time"
)

// batchedToLoop is how fast the program of batchedChannels is beside loop where two
// processors are idle: 28.3 M records a second over 22.1.
const batchedToLoop = 28.3 / 22.1

// batchSize is that of the engine.
const batchSize = 256

// batchedChannels is the keyed count that one would write by hand for speed, without
// checkpoints: source, map and routing fused in a goroutine for each part, batches over
// channels, a Go map for each part. It returns million records a second, and how many.
func batchedChannels(keys uint64, for_ time.Duration) (rate float64, records int64) {
	var parts [subtasksLive]chan []keyed
	free := make(chan []keyed, 64)
	for i := range parts {
		parts[i] = make(chan []keyed, 8)
	}
	begin := time.Now()
	var sources, counters sync.WaitGroup
	for s := range uint64(subtasksLive) {
		sources.Go(func() { produce(s, keys, begin.Add(for_), &parts, free) })
	}
	var seen [subtasksLive]int64
	for p := range parts {
		counters.Go(func() { seen[p] = countBatches(parts[p], free) })
	}
	sources.Wait()
	for _, p := range parts {
		close(p)
	}
	counters.Wait()
	for _, n := range seen {
		records += n
	}
	return float64(records) / time.Since(begin).Seconds() / 1e6, records
}

// produce makes keys until a time and deals them out.
func produce(source, keys uint64, until time.Time, parts *[subtasksLive]chan []keyed, free chan []keyed) {
	var open [subtasksLive][]keyed
	for i := source; ; i += subtasksLive {
		k := mix(i) % keys
		p := k * 0x9e3779b97f4a7c15 >> 63
		if open[p] == nil {
			if open[p] = takeFree(free); time.Now().After(until) {
				break
			}
		}
		if open[p] = append(open[p], one(k)); len(open[p]) == batchSize {
			parts[p] <- open[p]
			open[p] = nil
		}
	}
	for p := range open {
		if len(open[p]) > 0 {
			parts[p] <- open[p]
		}
	}
}

func takeFree(free chan []keyed) []keyed {
	select {
	case b := <-free:
		return b
	default:
		return make([]keyed, 0, batchSize)
	}
}

func countBatches(in, free chan []keyed) (seen int64) {
	counts := map[uint64]uint64{}
	for batch := range in {
		for _, r := range batch {
			counts[r.First] += r.Second
		}
		seen += int64(len(batch))
		select {
		case free <- batch[:0]:
		default:
		}
	}
	return seen
}

// loop is the same in one goroutine, without batches. It returns million records a
// second.
func loop(keys uint64, for_ time.Duration) float64 {
	const turn = 4096
	counts := map[uint64]int64{}
	begin, n := time.Now(), uint64(0)
	for time.Since(begin) < for_ {
		for range turn {
			counts[mix(n)%keys]++
			n++
		}
	}
	return float64(n) / time.Since(begin).Seconds() / 1e6
}
