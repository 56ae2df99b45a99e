"""Explanations of classifiers: the share of each word in the score of an answer.

Score: of categories the log-odds of the label against the mean of the others, `z_c -
mean(z_others)` in logits, divided by the temperature of the task. Unlike a single logit
it does not change when all logits grow by the same number, which changes no
probability; of two labels it is the logit of logistic regression. Of several labels per
text it is the logit of the likeliest one, of a regression its value.

Shares: integrated gradients. The input of the network is the embedding of each word,
the baseline is zeros in place of it, with the length of the text unchanged. The part of
a model that is linear in n-grams, letters or vectors of the text is divided exactly:
the weight of an n-gram over its words, those of letters and vectors to their word.

Sources: Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep Networks,
sections 3 and 5; Yin and Neubig 2022, Interpreting Language Models with Contrastive
Explanations, for scores against other labels.
"""
