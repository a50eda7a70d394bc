// Recurrent layers: one layer, one direction, all steps.
#include "bind/op.h"
#include "ops/rnn.h"

namespace sf::bind {
namespace {

using MaybeTensor = std::optional<Tensor>;

RnnParameters parameters(const Tensor& weight_ih, const Tensor& weight_hh,
                         const MaybeTensor& bias_ih, const MaybeTensor& bias_hh) {
  return {weight_ih, weight_hh, or_undefined(bias_ih), or_undefined(bias_hh)};
}

std::vector<Tensor> call_rnn(const Tensor& input, const Tensor& h0, const Tensor& weight_ih,
                             const Tensor& weight_hh, const MaybeTensor& bias_ih,
                             const MaybeTensor& bias_hh, const MaybeTensor& batch_sizes,
                             const std::string& nonlinearity, bool batch_first, bool reverse) {
  if (nonlinearity != "tanh" && nonlinearity != "relu") {
    throw ValueError("[rnn_layer] nonlinearity '", nonlinearity, "': must be 'tanh' or 'relu'");
  }
  return rnn_layer(nonlinearity == "tanh" ? Cell::kTanh : Cell::kRelu, input, h0, {},
                   parameters(weight_ih, weight_hh, bias_ih, bias_hh),
                   {or_undefined(batch_sizes), batch_first, reverse});
}

std::vector<Tensor> call_lstm(const Tensor& input, const Tensor& h0, const Tensor& c0,
                              const Tensor& weight_ih, const Tensor& weight_hh,
                              const MaybeTensor& bias_ih, const MaybeTensor& bias_hh,
                              const MaybeTensor& batch_sizes, bool batch_first, bool reverse) {
  return rnn_layer(Cell::kLstm, input, h0, c0, parameters(weight_ih, weight_hh, bias_ih, bias_hh),
                   {or_undefined(batch_sizes), batch_first, reverse});
}

std::vector<Tensor> call_gru(const Tensor& input, const Tensor& h0, const Tensor& weight_ih,
                             const Tensor& weight_hh, const MaybeTensor& bias_ih,
                             const MaybeTensor& bias_hh, const MaybeTensor& batch_sizes,
                             bool batch_first, bool reverse) {
  return rnn_layer(Cell::kGru, input, h0, {}, parameters(weight_ih, weight_hh, bias_ih, bias_hh),
                   {or_undefined(batch_sizes), batch_first, reverse});
}

}  // namespace

void register_rnn(OpTable& ops) {
  ops.add(
      "rnn_layer(Tensor input, Tensor h0, Tensor weight_ih, Tensor weight_hh, Tensor? "
      "bias_ih=None, "
      "Tensor? bias_hh=None, Tensor? batch_sizes=None, *, str nonlinearity='tanh', "
      "bool batch_first=False, bool reverse=False) -> tuple[Tensor, Tensor]",
      &call_rnn, "h = tanh(W_ih x + b_ih + W_hh h + b_hh) over all steps: (output, last h).",
      Where::kFunction);
  ops.add(
      "lstm_layer(Tensor input, Tensor h0, Tensor c0, Tensor weight_ih, Tensor weight_hh, "
      "Tensor? bias_ih=None, Tensor? bias_hh=None, Tensor? batch_sizes=None, *, "
      "bool batch_first=False, bool reverse=False) -> tuple[Tensor, Tensor, Tensor]",
      &call_lstm,
      "c = f c + i g, h = o tanh(c), gates i f g o, over all steps: (output, last h, last c).",
      Where::kFunction);
  ops.add(
      "gru_layer(Tensor input, Tensor h0, Tensor weight_ih, Tensor weight_hh, Tensor? "
      "bias_ih=None, "
      "Tensor? bias_hh=None, Tensor? batch_sizes=None, *, bool batch_first=False, "
      "bool reverse=False) -> tuple[Tensor, Tensor]",
      &call_gru, "h = (1 - z) n + z h, gates r z n, over all steps: (output, last h).",
      Where::kFunction);
}

}  // namespace sf::bind
