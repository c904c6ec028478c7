def ok(passed, what)
  puts "#{passed ? "ok" : "not ok"} #{what}"
end

# The refusal that the block ends with, or nil.
def refusal
  yield
  nil
rescue ActiveRecord::StatementInvalid => e
  Cases::Refusal.of(e)
end
