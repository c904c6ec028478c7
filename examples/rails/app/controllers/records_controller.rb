class RecordsController < ApplicationController
  def index
    last = Cases::Record.find(params[:after]) if params[:after]
    records = Cases::Record.newest_first.after(last).limit(params.fetch(:limit, 20).to_i)
    render json: records.as_json(only: %i[id title])
  end

  def show
    record = Cases::Record.find(params[:id])
    render json: { title: record.title, tags: record.tags.order(:name).pluck(:name),
                   tasks: record.tasks.pluck(:title) }
  rescue ActiveRecord::RecordNotFound
    render json: { error: "there is no such record" }, status: :not_found
  end

  def create
    record = Cases::Record.create!(params.permit(:title, :content))
    record.tag(*params[:tags]) if params[:tags]
    render json: { id: record.id }, status: :created
  end
end
