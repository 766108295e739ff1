-- Has wrk send requests from a file, each once: its length on a line, and its bytes.
local requests, turn = {}, 0

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local length = file:read("*n", "*l")
   while length do
      requests[#requests + 1] = file:read(length)
      length = file:read("*n", "*l")
   end
   file:close()
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format('\n{"requests": %d, "failed": %d, "seconds": %f}\n',
      summary.requests, failed, summary.duration / 1e6))
end
