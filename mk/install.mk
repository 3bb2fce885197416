# make install: see INSTALL.
