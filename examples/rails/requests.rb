# Sends requests to the controllers as example_web, which passes on tokens.
require_relative "config/environment"
require_relative "ok"

def login(name)
  ActiveRecord::Base.with_connection do |c|
    c.select_value(ActiveRecord::Base.sanitize_sql(["SELECT casnet.login(?, ?)", name, "correct horse battery"]))
  end
end

BROWSER = ActionDispatch::Integration::Session.new(Rails.application)

def request(method, path, token = nil, tenant: "Child Services", **params)
  headers = { "X-Tenant" => tenant }
  headers["Authorization"] = "Bearer #{token}" if token
  BROWSER.public_send(method, path, params:, headers:)
  [BROWSER.response.status, JSON.parse(BROWSER.response.body)]
end

ada, bob, eve = %w[ada bob eve].map { |name| login(name) }
ok request(:get, "/records").first == 401, "401 without a token"
ok request(:get, "/records", "#{ada}x").then { |status, body| status == 401 && body["hint"] }, "401 with a forged token"
status, page = request(:get, "/records", ada, limit: 2)
ok status == 200 && page.length == 2, "a page of records"
ok (request(:get, "/records", ada, limit: 2, after: page.last["id"]).last & page).empty?, "the next page has others"
secret = request(:get, "/records", bob, tenant: "Adult Services").last.first
ok secret["title"] == "Secret of Adult Services", "bob sees his tenant"
ok request(:get, "/records/#{secret["id"]}", ada).first == 404, "404 for the record of another tenant"
status, made = request(:post, "/records", ada, title: "By HTTP", tags: %w[http urgent])
ok status == 201 && request(:get, "/records/#{made["id"]}", ada).last["tags"] == %w[http urgent], "a record with tags"
status, body = request(:post, "/records", eve, title: "By a viewer")
ok status == 403 && body["error"].include?("create_records"), "403 for a viewer, and the message names the permission"
ok request(:get, "/records", eve, tenant: "Adult Services").first == 422, "422 for the tenant of somebody else"
