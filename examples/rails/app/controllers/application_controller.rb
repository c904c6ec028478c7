class ApplicationController < ActionController::API
  include ActionController::HttpAuthentication::Token::ControllerMethods

  around_action :as_user
  rescue_from ActiveRecord::StatementInvalid, with: :refused

  private

  # The action, with what it renders, runs in one transaction.
  def as_user(&action)
    token = authenticate_with_http_token { |value, _| value }
    return render(json: { error: "a token is missing" }, status: :unauthorized) unless token

    Cases.as(token:, tenant: request.headers["X-Tenant"], &action)
  end

  def refused(error)
    refusal = Cases::Refusal.of(error) or raise error
    status = if refusal.sign_in? then :unauthorized
             elsif refusal.forbidden? then :forbidden
             else :unprocessable_content
             end
    render json: { error: refusal.message, hint: refusal.hint }, status:
  end
end
