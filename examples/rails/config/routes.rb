Rails.application.routes.draw do
  resources :records, only: %i[index show create]
end
