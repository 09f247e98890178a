"""Pure statistics of human labels: numpy in, numbers out. Imports no Django and no app.

agreement  between raters, for rankings with ties and for grades
intervals  95% intervals of shares and means, clustered by prompt
ratings    strengths of model versions: Bradley-Terry (ties, style control), Davidson
luce       Plackett-Luce for rankings with ties
bias       length, position
drift      a trainer's fall, seen early
"""
