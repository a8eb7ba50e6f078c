package cli

import _ "pgregory.net/rapid" // so that its flags can be given to all packages at once
