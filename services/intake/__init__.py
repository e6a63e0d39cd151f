"""Intake (一窗): decides what may be received. It checks an application whole, gives it its number, plans its items with
the catalogue, cuts and seals each service's part, asks for the facts that items wait for, and tells the applicant what
happened in words. It decides no matter: what it shows of an item is what the coordinator last said.
"""
