// osls takes plugins from the service's own folder only.
module.exports = require('../../scripts/stage/publish-model.cjs');
