# Uses the models as example_backend, which names its users.
require_relative "config/environment"
require_relative "ok"

CHILD = "Child Services"
ADULT = "Adult Services"
NEWEST = ["Visit 5", "Visit 4", "Visit 3", "Visit 2", "Visit 1"].freeze

def one(sql, *values) = ActiveRecord::Base.with_connection { |c| c.select_value(ActiveRecord::Base.sanitize_sql([sql, *values])) }
def run(sql) = ActiveRecord::Base.with_connection { |c| c.execute(sql) }
def titles = Cases::Record.newest_first.pluck(:title)
def as(name, tenant = CHILD, &) = Cases.as(user_id: IDS.fetch(name), tenant:, &)
def release = ActiveRecord::Base.connection_pool.release_connection
def process = one("SELECT pg_backend_pid()")

IDS = %w[ada bob eve].to_h { |name| [name, one("SELECT user_id FROM casnet.find_user(?)", name)] }

refused = refusal { titles }
ok refused&.sign_in? && refused.hint.present?, "without an identity there is an error with a hint"
ok as("ada") { titles } == NEWEST, "ada sees the records of her tenant, and no others"
ok refusal { as("ada", ADULT) { titles } }&.code == "P0002", "she cannot choose the tenant of somebody else"

pages = []
as("ada") do
  last = nil
  while (page = Cases::Record.newest_first.after(last).limit(2).to_a).any?
    pages += page.map(&:title)
    last = page.last
  end
end
ok pages == NEWEST, "pages by (created_at, id)"
hit = as("ada") { Cases::Record.search("parent*").first }
ok hit.snippet.include?("<b>parents</b>") && hit.rank.positive?, "search with a snippet"

record = as("ada") do
  Cases::Record.create!(title: "From Rails", content: "By a model.").tap do |made|
    made.tag("rails")
    made.tags << Cases::Tag.find_by!(name: "urgent")
  end
end
ok as("ada") { record.reload.tags.map(&:name).sort } == %w[rails urgent], "a new record has its tags"
ok as("ada") { Cases::Tag.find_by!(name: "urgent").records.map(&:title).sort } == ["From Rails", "Visit 5"],
   "the records of a tag, of this tenant only"
ok as("ada") { Cases::Record.tagged("rails", "urgent").to_a } == [record], "records by tags"
ok as("ada") { record.tags.destroy(Cases::Tag.find_by!(name: "urgent")); record.reload.tags.map(&:name) } == %w[rails],
   "a tag is taken off"
ok as("ada") { Cases::Record.includes(:tasks, :persons).find_by!(title: "Visit 1") }
  .then { |r| [r.tasks.map(&:title), r.persons.map(&:name)] } == [["Call the school"], ["Jane Doe"]],
   "the tasks and persons of a record, preloaded"
ok as("ada") {
  2.times { Cases::Tag.upsert_all([{ name: "urgent" }, { name: "new" }], unique_by: %i[tenant_id name]) }
  Cases::Tag.where(name: %w[urgent new]).count
} == 2, "upsert of tags by (tenant_id, name)"
ok as("ada") { record.update!(title: "Changed"); record.reload.title } == "Changed", "a record is changed"
refused = refusal { as("eve") { Cases::Record.create!(title: "By a viewer") } }
ok refused&.forbidden? && refused.message.include?("create_records"),
   "a viewer may not write, and the message names the permission"
counts = as("ada") { Cases.constants.map { |c| Cases.const_get(c) }.select { |c| c.is_a?(Class) && c < Cases::Base }.map { |c| c.first && c.count } }
ok counts.length == 13 && counts.compact.length >= 10, "there is a model for each of the 13 tables"
ok as("ada") { Cases::User.find_by!(username: "eve").tenants.map(&:name) } == [CHILD], "the tenants of a user"

# the pool
first = process
right = 20.times.all? do |turn|
  seen = turn.even? ? as("ada") { titles } : as("bob", ADULT) { titles }
  release
  seen.include?("Secret of Adult Services") == turn.odd? && refusal { titles }&.sign_in?
end
ok right && process == first, "two users take turns on one connection, also after errors"
cached = ActiveRecord::Base.with_connection do
  ActiveRecord::Base.cache { [as("ada") { titles }, as("bob", ADULT) { titles }, as("ada") { titles }] }
end
ok cached[1] == ["Secret of Adult Services"] && cached[0] == cached[2] && cached[0].length == 6,
   "the query cache keeps nothing of another user"
one("SELECT set_config('casnet.user_id', ?, false)", IDS["ada"])   # the mistake: false
release
ok refusal { titles }&.sign_in? && process == first, "a user set for the session is gone at the next request"
ok (as("ada") { as("bob", ADULT) { titles } } rescue $!.is_a?(ArgumentError)) == true,
   "a transaction as one user within that of another is refused"

# a table of the application's own
as("ada") { Note.create!(record:, body: "Mine") }
ok as("ada") { Note.count } == 1 && as("bob", ADULT) { Note.count } == 0 && refusal { Note.count }&.sign_in?,
   "a protected table of the application"
ok as("ada") { Cases::Record.create!(title: "Gone").then { |r| Note.create!(record: r, body: "Too"); r.destroy!; Note.count } } == 1,
   "its rows go with their record"

# a membership ends while its user's program goes on
refused = refusal do
  as("eve") do
    titles
    Thread.new { as("ada") { run("SELECT casnet.remove_member('eve')") } }.join
    titles
  end
end
ok refused&.forbidden? && refused.message.include?("not a member"),
   "eve is refused at the statement after the end of her membership"
as("ada") { run("SELECT casnet.add_member('eve', 'viewer')") }   # for requests.rb
