"""验证码: riddles that tell a person from a program, as a picture or as a sum."""
