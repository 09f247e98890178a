"""Pure statistics of human labels: numpy in, numbers out. Imports no Django and no app.

agreement      between raters, for rankings with ties and for grades
intervals      95% intervals of shares and means, clustered by prompt
fit            strengths of model versions as a fit gives them, Elo, win rates
bradley_terry  strengths out of pairs, with ties and style control
davidson       the same with a parameter for ties
plackett_luce  strengths out of whole rankings with ties
bias           length, position
drift          a trainer's fall, seen early
"""
