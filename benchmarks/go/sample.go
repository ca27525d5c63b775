package main

import (
	"runtime"
	"time"
)

const (
	// Operations in one sample, so that reading the time costs nothing of it: as many as on the other side.
	batch = 1024

	warmUp     = 100 * time.Millisecond
	budget     = 200 * time.Millisecond
	minSamples = 12
	maxSamples = 400
)

// each is nanoseconds for one call, in batches; at goes on from call to call.
func each(run func(at int)) []float64 {
	at := 0
	samples := timed(func() {
		for range batch {
			run(at)
			at++
		}
	})

	for i := range samples {
		samples[i] /= batch
	}
	return samples
}

// timed is nanoseconds for a call that is worth a sample of its own.
func timed(run func()) []float64 {
	for begun := time.Now(); time.Since(begun) < warmUp; {
		run()
	}
	runtime.GC()

	var samples []float64
	for begun := time.Now(); len(samples) < minSamples || time.Since(begun) < budget && len(samples) < maxSamples; {
		before := time.Now()
		run()
		samples = append(samples, float64(time.Since(before).Nanoseconds()))
	}
	return samples
}

func heap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
